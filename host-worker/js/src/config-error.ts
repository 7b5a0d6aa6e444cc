/** An invalid configuration. The message is one sentence that says what to change. */
export class ConfigError extends TypeError {
  static {
    // The name that logs show, because a minifier may rename the class.
    Object.defineProperty(this, 'name', { value: 'ConfigError' });
  }

  /**
   * The option or setting to change, as you named it: `issuers[0].audiences`, or
   * `TOLLGATE_AUDIENCE`.
   */
  readonly field: string;
  /**
   * The part that does not work because of the error: the whole gate, only its token requests, or the
   * issuer.
   */
  readonly part: 'gate' | 'client' | 'issuer';

  constructor(field: string, message: string, part: ConfigError['part'] = 'gate') {
    super(message);
    this.name = 'ConfigError';
    this.field = field;
    this.part = part;
  }
}
