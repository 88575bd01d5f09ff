//! Tells the steps of an input of the target `shard`: `cargo run --no-default-features --example steps FILE`.

use heimdallr_fuzz::steps;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let path = std::env::args().nth(1).ok_or("which file?")?;
    println!("{}", steps(&std::fs::read(path)?));
    Ok(())
}
