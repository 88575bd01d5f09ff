// Five minutes that the dashboard is shown in place of those of the server, and clusters that there are none of here.

const STEP_MS = 1_000;
const ROWS = 300;

const COLUMNS = {
  streams: (t) => sessions(t) + 40,
  sessions,
  posts: (t) => 900 + 200 * Math.sin(t / 11) + rough(t, 60),
  deliveries: (t) => 41_000 + 9_000 * Math.sin(t / 11) + rough(t, 2_500),
  delivery_p50_us: (t) => 410 + rough(t, 50) + stall(t) * 900,
  delivery_p99_us: (t) => 2_100 + rough(t, 500) + stall(t) * 12_000,
  lag_p50_us: (t) => 18_000 + rough(t, 1_500),
  lag_p99_us: (t) => 92_000 + rough(t, 14_000),
  queued_bytes: (t) => 20_000 + rough(t, 9_000) + stall(t) * 4_100_000,
  history_bytes: (t) => 81_000_000 + t * 30_000,
  memory_bytes: (t) => 236_000_000 + t * 36_000,
  'cpu:0': (t) => 0.36 + rough(t, 0.03) + stall(t) * 0.2,
  'cpu:1': (t) => 0.41 + rough(t, 0.03),
  'protocol:v1': (t) => sessions(t) * 0.5,
  'protocol:socketio': (t) => sessions(t) * 0.36,
  'protocol:sse': (t) => sessions(t) * 0.14,
  'refused:rate_limited': (t) => stall(t) * 38 * Math.abs(Math.sin(t)),
  'refused:not_joined': (t) => (t % 47 === 0 ? 2 : 0),
};

function sessions(t) {
  return 11_400 + t * 4 + 700 * Math.sin(t / 40);
}

function rough(t, by) {
  return by * Math.sin(t * 12.9898 + Math.sin(t * 4.1) * 3);
}

/** Somebody reads slowly for a while. */
function stall(t) {
  return t > 190 && t < 212 ? Math.sin(((t - 190) / 22) * Math.PI) : 0;
}

/** The answer of the server, with other numbers; `nodes` puts other nodes beside it. */
export async function pretend(page, nodes = () => []) {
  await page.route('**/api/v1/recent*', async (route) => {
    const answer = await route.fetch();
    const told = await answer.json();
    const now = told.rows.at(-1)?.[0] ?? Date.now();
    const row = (t) => [now - (ROWS - t) * STEP_MS, ...Object.values(COLUMNS).map((value) => Math.round(value(t) * 1_000) / 1_000)];
    const rows = Array.from({ length: ROWS }, (_, t) => row(t + 1));
    const isFirst = new URL(route.request().url()).searchParams.get('since') === '0';
    const own = { ...told.nodes[0], id: '5e1f0a77', name: 'frigg:8000', sessions: 12_638, deliveries: 41_310, since_ms: 11_460_000 };
    await route.fulfill({
      json: { ...told, node: { ...told.node, id: own.id, uptime_ms: own.since_ms }, nodes: [own, ...nodes()], columns: Object.keys(COLUMNS), rows: isFirst ? rows : [] },
    });
  });
}

const NAMES = ['thor', 'sif', 'njord', 'freyja', 'baldr', 'idun', 'bragi', 'loki', 'frigg', 'heimdall'];

/** Other nodes of a cluster, in words of `states` as far as there are any, and ready. */
export const cluster = (count, states = []) =>
  Array.from({ length: count }, (_, index) => ({
    id: `node-${index}`,
    name: `${NAMES[index % NAMES.length]}-${index + 1}:8000`,
    is_self: false,
    state: states[index] ?? 'ready',
    since_ms: states[index] === 'gone' ? 12_000 : 8_000_000 + index * 60_000,
    ...(states[index] === 'gone' ? {} : { version: '0.1.0', sessions: 12_000 + index * 17, deliveries: 40_000 + index * 31 }),
  }));
