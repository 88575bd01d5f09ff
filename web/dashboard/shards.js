// The shards of the node, a thread each: what they do, and what they hold.

import { byId } from './elements.js';
import { feed } from './feed.js';
import { Table } from './lists.js';
import { bytes, exactly, figure, percent } from './words.js';

const counted = (title, name, say, className = 'number') => [title, (shard) => say(shard[name]), className];

const table = new Table({
  caption: 'List of shards',
  columns: [
    ['Shard', (shard, number) => number],
    counted('CPU', 'cpu', percent),
    counted('Sessions', 'sessions', exactly),
    counted('Connections', 'streams', exactly, 'number.wide'),
    counted('Rooms', 'rooms', exactly, 'number.wide'),
    counted('Deliveries/s', 'deliveries', figure, 'number.wide'),
    counted('Queued', 'queued_bytes', bytes),
    counted('History', 'history_bytes', bytes),
  ],
  key: (shard) => feed.shards.indexOf(shard),
});

byId('shards').append(table.element);

export const showShards = () => table.show({ items: feed.shards });
