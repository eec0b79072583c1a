/** Protobuf's JSON form of a FieldMask: names in camel case, separated by commas. */
export function fieldMask(fields: string[]): string {
	return fields
		.map((field) => field.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase()))
		.join(',');
}
