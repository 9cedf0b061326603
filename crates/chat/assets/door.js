// Where people come in: a name, a password, and two buttons.

import { bare, local, typed } from './address.js';

export class Door {
  #form = document.getElementById('door');
  #main = document.getElementById('outside');
  #problem = document.getElementById('problem');
  #domain = document.getElementById('domain');
  #enter;

  /** `enter` lets somebody in, or throws why not. */
  constructor(domains, enter) {
    this.#enter = enter;
    this.#domain.append(...domains.map((it) => new Option(`@${it}`, it)));
    this.#domain.hidden = domains.length < 2;
    const only = document.getElementById('only-domain');
    only.textContent = domains.length < 2 ? `@${domains[0]}` : '';
    this.#form.addEventListener('submit', (event) => {
      event.preventDefault();
      this.#come(event.submitter?.value === 'create');
    });
    const reveal = document.getElementById('reveal');
    reveal.addEventListener('click', () => {
      const { password } = this.#form.elements;
      const shown = password.type === 'password';
      password.type = shown ? 'text' : 'password';
      reveal.setAttribute('aria-pressed', String(shown));
      password.focus();
    });
  }

  /** Shows the door, and why one is in front of it. */
  open(why = '') {
    this.#main.hidden = false;
    document.title = 'sestina chat';
    if (!isSecureContext) return this.#refuse();
    this.#tell(why);
    this.#form.elements.username.focus();
  }

  close() {
    this.#main.hidden = true;
    this.#form.reset();
  }

  async #come(create) {
    const { username, password } = this.#form.elements;
    const address = typed(username.value, this.#domain.value);
    if (!address) return this.#tell('This cannot be a user name.', username);
    if (!password.value) return this.#tell('A password is needed.', password);
    this.#busy(create ? 'Making the account…' : 'Logging in…');
    try {
      const domain = bare(address).split('@')[1];
      await this.#enter({ create, domain, user: local(address), password: password.value });
      password.value = '';
    } catch (error) {
      this.#busy('');
      this.#tell(error.message, error.condition === 'conflict' ? username : password);
    }
    this.#busy('');
  }

  #tell(problem, field) {
    this.#problem.textContent = problem;
    this.#problem.hidden = !problem;
    for (const it of this.#form.querySelectorAll('input')) {
      it.setAttribute('aria-invalid', String(it === field));
    }
    field?.focus();
    field?.select();
  }

  #busy(doing) {
    if (doing) this.#tell('');
    this.#form.setAttribute('aria-busy', String(doing !== ''));
    document.getElementById('progress').textContent = doing;
    for (const it of this.#form.querySelectorAll('button')) it.disabled = doing !== '';
  }

  /** Browsers have the arithmetic of logins on https and on localhost only. */
  #refuse() {
    for (const it of this.#form.elements) it.disabled = true;
    this.#tell(
      'This page was not loaded over https, so a password would not be safe here. '
        + 'Open it over https, or on the machine of the server at http://localhost.',
    );
  }
}
