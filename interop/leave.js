// What a process of the tests does when it has nothing left to do: it leaves. Node's own clearing up behind that was seen to go round for
// ever. A process that still has something open does not come here, and is waited for.
process.once('beforeExit', () => process.once('exit', () => process.exit()));
