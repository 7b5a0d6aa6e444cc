/** A configuration that cannot work. The message is one sentence that says what to change. */
export class ConfigError extends TypeError {
  static {
    // What logs show, whatever the minifier calls it.
    Object.defineProperty(this, 'name', { value: 'ConfigError' });
  }

  /** Where: `issuers[0].audiences`. */
  readonly field: string;

  constructor(field: string, message: string) {
    super(message);
    this.name = 'ConfigError';
    this.field = field;
  }
}
