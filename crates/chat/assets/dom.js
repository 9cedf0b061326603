// The page's elements, made and found. Strings become text, never markup.

/** Makes an element. Properties that are functions listen; null and false are left out. */
export function h(name, properties = {}, ...children) {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(properties)) {
    if (typeof value === 'function') element.addEventListener(key, value);
    else if (value != null && value !== false) element.setAttribute(key, value === true ? '' : value);
  }
  element.append(...children.filter((it) => it != null));
  return element;
}

/** Shows these children, in this order, and moves none that is in its place: it may have the focus. */
export function arrange(parent, children) {
  const focused = document.activeElement;
  for (const it of [...parent.children]) if (!children.includes(it)) it.remove();
  children.forEach((it, at) => {
    if (parent.children[at] !== it) parent.insertBefore(it, parent.children[at] ?? null);
  });
  if (focused !== document.activeElement && parent.contains(focused)) focused.focus();
}

/** Says something to those who listen rather than look. */
export function announce(text) {
  const where = document.getElementById('said');
  where.textContent = '';
  setTimeout(() => { where.textContent = text; }, 50);
}

/** Asks before something is done that cannot be undone. */
export function isSure(question, yes, no) {
  const dialog = document.getElementById('sure');
  document.getElementById('sure-question').textContent = question;
  dialog.querySelector('[value=yes]').textContent = yes;
  dialog.querySelector('[value=no]').textContent = no;
  dialog.returnValue = '';
  dialog.showModal();
  return new Promise((resolve) => {
    dialog.onclose = () => resolve(dialog.returnValue === 'yes');
  });
}

/** The hue of somebody's picture, one of six: the same for the same address. */
export function hue(address) {
  let sum = 0;
  for (const it of address) sum = (sum * 31 + it.codePointAt(0)) % 6007;
  return String(sum % 6);
}

/** The first letter of a name. */
export const initial = (name) => [...name.trim()][0]?.toUpperCase() ?? '?';
