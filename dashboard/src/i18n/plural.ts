/** Chooses the form for a number. In these four languages one form for 1 and one for the rest are enough. */
export const plural = (count: number, one: string, other: string): string => (count === 1 ? one : other);
