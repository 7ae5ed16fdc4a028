/** A setting that can't be used here: its name, and all that is wrong with it. */
export class SettingError extends Error {
  readonly setting: string;
  readonly problems: readonly string[];
  constructor(setting: string, problems: readonly string[], options?: ErrorOptions) {
    super(`${setting}: ${problems.join('; ')}`, options);
    this.name = 'SettingError';
    this.setting = setting;
    this.problems = problems;
  }
}
