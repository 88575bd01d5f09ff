// The page: puts its parts together. One tab is one session in one room.

import { fitViewport, linkTo, share, switchTheme } from './chrome.js';
import { composeIn, openComposer } from './composer.js';
import { showConnection } from './connection.js';
import { Conversation } from './conversation.js';
import { button, byId, setText } from './elements.js';
import { recall, remember } from './memory.js';
import { accepted, clear, connecting, passing, refused, waiting } from './notices.js';
import { peopleChanged, showPeople, stopped, types } from './people.js';
import { Timeline } from './timeline.js';
import { openDoor, showDoor } from './visit.js';
import { count, nameFault } from './words.js';

const SAID_EVERY_MS = 3_000; // how often a screen reader hears news

const wanted = (key) => new URLSearchParams(location.search).get(key);
const via = wanted('via') === 'socketio' ? '&via=socketio' : '';
const client = import(via ? './socketio.js' : './heimdallr.js');
const timeline = new Timeline();
let chat;
let room;
let conversation;
let unsaid = [];

async function enter(name, roomName) {
  if (name !== chat?.user) connect(name, await client);
  remember('name', name);
  remember('room', roomName);
  if (wanted('room') !== roomName) history.pushState(null, '', linkTo(roomName) + via);
  document.documentElement.dataset.view = 'hall';
  byId('side').hidePopover();
  if (!chat.rooms.has(roomName)) openRoom(roomName);
  composeIn(roomName);
}

function connect(name, { Heimdallr }) {
  chat?.close();
  chat = new Heimdallr(location.origin.replace('http', 'ws') + '/v1', { user: name });
  chat.on('state', stateChanged);
  chat.on('direct', (message) => conversation.add({ ...message, isPrivate: true }));
  setText(byId('me'), name);
}

function openRoom(name) {
  room?.leave();
  conversation?.close();
  room = chat.join(name);
  room.on('joined', joined);
  room.on('message', ({ user }) => stopped(user));
  room.on('presence', peopleChanged);
  room.on('signal', ({ user, signal }) => signal === 'typing' && types(user));
  room.on('refused', ({ code, reason }) => refused(code, reason, button('Choose another', leave, 'primary')));
  room.on('removed', ({ code, reason }) => refused(code, reason, button('Join again', () => openRoom(name), 'primary'), button('Choose another', leave)));
  conversation = new Conversation(room, chat.user, changed);
  timeline.show(conversation);
  showPeople(room, chat.user);
  accepted();
  stateChanged(chat.state);
  setText(byId('room-title'), name);
  document.title = `${name} · Heimdallr`;
}

function joined({ resumed, missed }) {
  accepted();
  peopleChanged();
  if (missed) conversation.add({ note: `${count(missed, 'message')} while you were away` });
  if (resumed === undefined) clear();
  else passing(`Back again. ${resumed ? 'Nothing is' : 'Some messages are'} lost.`);
}

function stateChanged(state) {
  const again = () => chat.reconnectNow();
  showConnection(chat, room);
  if (state.name === 'connecting' && !state.attempt) connecting();
  if (state.name === 'waiting') waiting(state, again);
  if (state.name === 'closed') refused(state.code, state.reason, button('Connect again', again, 'primary'), button('Choose another name', leave));
}

function send(text) {
  conversation.send(text);
  timeline.toEnd();
}

function changed(fresh) {
  timeline.render(fresh);
  const news = fresh.filter(({ user }) => user !== chat.user);
  if (news.length && !unsaid.length) setTimeout(say, SAID_EVERY_MS);
  unsaid.push(...news);
}

function say() {
  const words = unsaid.map(({ user = 'Guest', text = 'data' }) => `${user}: ${text.slice(0, 200)}`);
  setText(byId('said'), words.length > 3 ? count(words.length, 'new message') : words.join('. '));
  unsaid = [];
}

function leave() {
  chat.close();
  chat = room = undefined;
  showDoor(recall('name'), recall('room'));
}

function arrive() {
  const [name, asked] = [recall('name'), wanted('room')];
  if (name && asked && !nameFault(asked)) enter(name, asked);
  else showDoor(name, asked ?? recall('room') ?? 'lobby');
}

switchTheme();
fitViewport();
openDoor(enter);
openComposer(send, () => room.signal('typing'));
byId('leave').onclick = leave;
byId('share').onclick = () => share(room.name, passing);
addEventListener('popstate', arrive);
document.onvisibilitychange = () => document.hidden || chat?.reconnectNow();
arrive();
