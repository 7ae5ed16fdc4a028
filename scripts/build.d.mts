export function buildPrograms(): Promise<void>;
export function buildConsole(): Promise<void>;
