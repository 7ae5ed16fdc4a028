export { builtinDesktop, type BuiltinDesktop, type BuiltinOrder } from './builtin.ts';
