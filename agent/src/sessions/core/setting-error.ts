/** An unusable setting: its name and all its faults. */
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
