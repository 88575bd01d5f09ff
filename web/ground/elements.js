// Finding and making elements. Text from people only becomes text nodes: HTML has no way in.

export const byId = (id) => document.getElementById(id);

/** An element with properties and children; strings become text. */
export const element = (tag, properties, ...children) => {
  const made = Object.assign(document.createElement(tag), properties);
  made.append(...children);
  return made;
};

export const button = (label, onclick, className = 'quiet') => element('button', { type: 'button', className, onclick }, label);

/** Writes only what is new: layout and screen readers rest otherwise. */
export const setText = (node, text) => {
  if (node.textContent !== text) node.textContent = text;
};

/** Makes `wanted` the children of `list`, touching only what comes, goes or moves. */
export function setChildren(list, wanted) {
  const kept = new Set(wanted);
  for (const child of [...list.children]) if (!kept.has(child)) child.remove();
  wanted.forEach((child, index) => list.children[index] === child || list.insertBefore(child, list.children[index]));
}
