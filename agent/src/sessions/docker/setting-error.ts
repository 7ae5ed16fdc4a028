/** A setting that the engine, or the machine, refuses. */
export class EngineSettingError extends Error {
  readonly setting: string;

  constructor(setting: string, problem: string, options?: ErrorOptions) {
    super(problem, options);
    this.setting = setting;
  }
}
