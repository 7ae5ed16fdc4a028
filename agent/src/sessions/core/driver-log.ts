/** The drivers' log for operators: fields and a constant message (pino's shape). */
export interface DriverLog {
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
}
