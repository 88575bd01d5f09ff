//! What TLS costs: to have a connection under it, to shake hands beside nginx, and for those who talk meanwhile.

use super::super::figure::{Bar, Figure, Spread};
use super::super::generator::Run;
use super::super::lab::{Entrant, Lab, Shown};
use super::super::result::Finding;
use super::super::tls::{self, Hands, Identity, Nginx};
use super::connections::{bytes_each, forgetful, idle_run, returned_percent};
use super::{faults, figure, p99_ms, us_per_delivery};
use crate::step::Failure;

/// Of user memory.
const BYTES_EACH: f64 = 10.0 * 1024.0;
const VERSIONS: [&str; 2] = ["1.3", "1.2"];
/// What a room of 10 may notice of everybody else shaking hands.
const NEIGHBOUR_P99_MS: f64 = 50.0;

pub(super) fn run(lab: &Lab) -> Result<Finding, Failure> {
    tls::install()?;
    let identity = Identity::make(&lab.folder)?;
    let ours = secured(lab.entrant("ours")?, &identity);
    let mut finding = Finding::default();
    idle(lab, &ours, &mut finding)?;
    for version in VERSIONS {
        shake(lab, &ours, &identity, version, &mut finding)?;
    }
    talk(lab, &ours, &mut finding)?;
    Ok(finding)
}

fn secured(ours: Entrant, identity: &Identity) -> Entrant {
    ours.with("HEIMDALLR_TLS_CERTIFICATE", &identity.certificate.display().to_string())
        .with("HEIMDALLR_TLS_KEY", &identity.key.display().to_string())
}

/// The same run twice, under TLS and in plain text.
fn idle(lab: &Lab, ours: &Entrant, finding: &mut Finding) -> Result<(), Failure> {
    let plain = idle_run(lab, 10.0);
    let mut under_tls = plain.clone();
    under_tls.words.push("--tls".to_owned());
    let mut shown = lab.measure_in_turn(&[forgetful(ours.clone())], &under_tls, 1)?;
    shown.extend(lab.measure_in_turn(&[forgetful(ours.clone().called("in plain text"))], &plain, 1)?);
    finding
        .figures
        .push(figure("memory per connection", "bytes", &shown, bytes_each)?.against(Bar::AtMost(BYTES_EACH)));
    finding.figures.push(figure("memory given back", "%", &shown, returned_percent)?);
    finding.keep("idle", &shown);
    Ok(())
}

/// Whole handshakes of one version, ours and nginx in turn.
fn shake(
    lab: &Lab,
    ours: &Entrant,
    identity: &Identity,
    version: &'static str,
    finding: &mut Finding,
) -> Result<(), Failure> {
    let hands = Hands { version, seconds: lab.scale.seconds(5.0) };
    let mut each = [const { Vec::new() }; 2];
    let mut of_core = [const { Vec::new() }; 2];
    for _ in 0..lab.scale.runs {
        let cluster = lab.start(ours)?;
        let server = &cluster.nodes[0];
        let before = server.cpu_seconds()?;
        let (count, seconds) = hands.shake(server.address(), ours.generator_place)?;
        each[0].push(count / seconds);
        of_core[0].push(count / (server.cpu_seconds()? - before));
        drop(cluster);
        let nginx = Nginx::start(identity, ours.place, &lab.folder)?;
        let before = nginx.cpu_seconds()?;
        let (count, seconds) = hands.shake(nginx.address, ours.generator_place)?;
        each[1].push(count / seconds);
        of_core[1].push(count / (nginx.cpu_seconds()? - before));
    }
    for (what, values) in [("one client after the other", each), ("a whole core of the server", of_core)] {
        let [ours, nginx] = values.map(Spread::of);
        let (Some(ours), Some(nginx)) = (ours, nginx) else { continue };
        let name = format!("TLS {version}: handshakes per second, {what}");
        finding.figures.push(Figure::told(&name, "", ours, vec![("nginx".to_owned(), nginx)]));
    }
    Ok(())
}

/// A room of 10 that talks, under TLS, while somebody else shakes hands as fast as that goes; and while nobody does.
fn talk(lab: &Lab, ours: &Entrant, finding: &mut Finding) -> Result<(), Failure> {
    let seconds = lab.scale.seconds(8.0);
    let run = Run::new(&format!(
        "load --tls --room-size 10 --publishers 5 --rate 50 --warm-up 0.5 --duration {seconds}"
    ));
    let quiet = ours.clone().called("quiet");
    let mut shown =
        [ours, &quiet].map(|entrant| Shown { name: entrant.name.clone(), reports: Vec::new() }).to_vec();
    for _ in 0..lab.scale.runs {
        shown[0].reports.push(talk_beside_handshakes(lab, ours, &run, seconds)?);
        shown[1].reports.push(lab.measure(&quiet, &run)?);
    }
    finding.figures.extend([
        figure("room of 10 beside handshakes: latency p99", "ms", &shown, p99_ms)?
            .against(Bar::AtMost(NEIGHBOUR_P99_MS)),
        figure("room of 10 beside handshakes: entries in the ledger", "", &shown, faults)?.against(Bar::Zero),
    ]);
    finding.keep_beside_others("room of 10", &shown);
    cost(lab, ours, finding)
}

fn talk_beside_handshakes(
    lab: &Lab,
    ours: &Entrant,
    run: &Run,
    seconds: f64,
) -> Result<super::Report, Failure> {
    let cluster = lab.start(ours)?;
    let hands = Hands { version: "1.3", seconds: seconds + 20.0 };
    let log = lab.folder.join("handshakes.log");
    let _underway = hands.begin(cluster.nodes[0].address(), ours.generator_place, &log)?;
    run.carry_out(&cluster.nodes, ours.protocol, ours.generator_place, &lab.folder.join("report.json"))
}

/// What a delivery costs under TLS, beside plain text.
fn cost(lab: &Lab, ours: &Entrant, finding: &mut Finding) -> Result<(), Failure> {
    let line =
        format!("load --room-size 1000 --publishers 20 --rate 20 --duration {}", lab.scale.seconds(8.0));
    let plain = Run::new(&line);
    let under_tls = Run::new(&format!("{line} --tls"));
    let mut shown = lab.measure_in_turn(std::slice::from_ref(ours), &under_tls, lab.scale.runs)?;
    shown.extend(lab.measure_in_turn(&[ours.clone().called("in plain text")], &plain, lab.scale.runs)?);
    finding.figures.push(figure("room of 1000: CPU per delivery", "µs", &shown, us_per_delivery)?);
    finding.keep("room of 1000", &shown);
    Ok(())
}
