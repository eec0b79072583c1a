// Times as fields, expressions and spreadsheets give them.

import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import { test } from 'node:test';

const require = createRequire(import.meta.url);
const { instant, scheduleTime } = require('../../dist/nodes/AuraReels/read/time.js');

const ZONE = 'Europe/Berlin';
const local = (value) => scheduleTime(value, ZONE).wall_time?.local;
const absolute = (value) => scheduleTime(value, ZONE).text;

for (const [given, expected] of [
	['2030-12-25T18:00:00', '2030-12-25T18:00:00'],
	['2030-12-25 18:00', '2030-12-25T18:00:00'],
	['2030-12-25 9:05', '2030-12-25T09:05:00'],
	['2030/12/25 18:00', '2030-12-25T18:00:00'],
	['25.12.2030 18:00', '2030-12-25T18:00:00'],
	['5.2.2030, 18:00', '2030-02-05T18:00:00'],
	['05. 02. 2030 18:00', '2030-02-05T18:00:00'],
	['25/12/2030 18:00', '2030-12-25T18:00:00'],
	['12/25/2030 6:00 PM', '2030-12-25T18:00:00'],
	['12/25/2030 12:15 am', '2030-12-25T00:15:00'],
	['02/02/2030 18:00', '2030-02-02T18:00:00'],
	['Dec 25, 2030 6:00 PM', '2030-12-25T18:00:00'],
	['25 December 2030 18:00', '2030-12-25T18:00:00'],
	[47_842.75, '2030-12-25T18:00:00'],
	['47842.75', '2030-12-25T18:00:00'],
	['47842,75', '2030-12-25T18:00:00'],
]) {
	test(`${JSON.stringify(given)} is a time on the wall`, () => {
		assert.deepEqual(scheduleTime(given, ZONE), {
			wall_time: { local: expected, time_zone: ZONE },
		});
	});
}

for (const [given, expected] of [
	['2030-12-25T18:00:00+01:00', '2030-12-25T18:00:00+01:00'],
	['2030-12-25T18:00+0100', '2030-12-25T18:00:00+01:00'],
	['2030-12-25 18:00 +01', '2030-12-25T18:00:00+01:00'],
	['2030-12-25T18:00:00.250Z', '2030-12-25T18:00:00.250Z'],
	['2030-12-25 18:00 UTC', '2030-12-25T18:00:00Z'],
	['Wed, 25 Dec 2030 18:00:00 GMT', '2030-12-25T18:00:00.000Z'],
	[1_924_452_000, '2030-12-25T18:00:00.000Z'],
	['1924452000000', '2030-12-25T18:00:00.000Z'],
	[new Date('2030-12-25T18:00:00Z'), '2030-12-25T18:00:00.000Z'],
]) {
	test(`${JSON.stringify(given)} is an instant`, () => assert.equal(absolute(given), expected));
}

for (const [given, why] of [
	['', /The time is empty/],
	[null, /The time is empty/],
	['next friday', /"next friday" is not a valid time/],
	['02/03/2030 18:00', /is ambiguous: it can be day 2 of month 3, or day 3 of month 2/],
	['25.12.30 18:00', /"25\.12\.30 18:00" is not a valid time/],
	['2030-02-30 18:00', /not a valid date/],
	['2030-12-25', /is a date without a time/],
	['25.12.2030', /is a date without a time/],
	[47_842, /is a date without a time/],
	[12.5, /The number 12.5 is not a time/],
	['25. Dezember 2030 18:00', /not a valid time/],
	[new Date(NaN), /not a valid time/],
	[{ a: 1 }, /not a valid time/],
]) {
	test(`${String(given)} is refused by name`, () => {
		assert.throws(
			() => scheduleTime(given, ZONE),
			(error) => {
				assert.match(error.message, why);
				assert.match(error.description, /2030-12-25T18:00:00/);
				return true;
			},
		);
	});
}

test('an hour that no clock shows is not made into another one', () => {
	assert.throws(() => local('12/25/2030 18:00 PM'), /not a valid time/);
	assert.throws(() => local('2030-12-25 25:00'), /not a valid time/);
});

test('filters and expected times are UTC without an offset, and a day is its beginning', () => {
	assert.equal(instant('2030-02-01'), '2030-02-01T00:00:00Z');
	assert.equal(instant('1.2.2030'), '2030-02-01T00:00:00Z');
	assert.equal(instant('2030-07-01 18:00:00'), '2030-07-01T18:00:00Z');
	assert.equal(instant('2030-07-01T18:00:00+02:00'), '2030-07-01T18:00:00+02:00');
	assert.throws(() => instant('soon'), /"soon" is not a valid time/);
});
