import type { CreateSession, Template } from '@streamspace/protocol';

const GIB = 1024 ** 3;

/** Sizes that a user may pick instead of the template's. Memory in bytes. */
export const SIZES = [
  { id: 'small', name: 'Small', cpu: 0.5, memory: GIB },
  { id: 'medium', name: 'Medium', cpu: 2, memory: 4 * GIB },
  { id: 'large', name: 'Large', cpu: 4, memory: 8 * GIB },
  { id: 'huge', name: 'Huge', cpu: 8, memory: 16 * GIB },
] as const;

/** The request's fields for a size; none if the template decides. */
export function wishedSize(id: string, template: Template): Pick<CreateSession, 'cpu' | 'memory'> {
  const size = SIZES.find((each) => each.id === id);
  if (!size || (size.cpu === template.cpu && size.memory === template.memory)) return {};
  return { cpu: size.cpu, memory: size.memory };
}
