import { describe, expect, it } from 'vitest';
import { callerTimeout, parseGoDuration, timeToAnswer } from './timeout-parameter.ts';

describe('parseGoDuration()', () => {
  it.each([
    ['0', 0],
    ['+0', 0],
    ['10s', 10_000],
    ['1m0s', 60_000],
    ['500ms', 500],
    ['1.5h', 5_400_000],
    ['1h2m3s4ms', 3_723_004],
    ['.5s', 500],
    ['1.s', 1000],
    ['+2s', 2000],
    ['250us', 0.25],
    ['250\u00b5s', 0.25],
    ['250\u03bcs', 0.25],
    ['1000000ns', 1],
  ])('reads %s', (text, milliseconds) => {
    expect(parseGoDuration(text)).toBeCloseTo(milliseconds, 9);
  });

  it.each([
    '',
    '+',
    '10',
    '-1s',
    '1x',
    's',
    '.s',
    '1.2.3s',
    '1 s',
    ' 1s',
    '1s ',
    '1S',
    'Infinitys',
    '1e3s',
    '0x1s',
    '1ss',
  ])('refuses %j', (text) => {
    expect(parseGoDuration(text)).toBeUndefined();
  });
});

describe('callerTimeout()', () => {
  it.each([
    ['', 'absent'],
    ['timeouts=10s', 'absent'],
    ['xtimeout=10s', 'absent'],
    ['a=timeout=10s', 'absent'],
    ['timeout', 'absent'],
    ['timeout=0s', 'absent'],
    ['timeout=10s', 10_000],
    ['a=b&timeout=3s&c=d', 3_000],
    ['timeout=3s&timeout=9s', 3_000],
    ['timeout=250%C2%B5s', 0.25],
    ['timeout=', 'invalid'],
    ['timeout=&a=1s', 'invalid'],
    ['timeout=%E0%A4%A', 'invalid'],
    ['timeout=10', 'invalid'],
  ])('%j is %s', (query, expected) => {
    expect(callerTimeout(query)).toBe(expected);
  });
});

describe('timeToAnswer()', () => {
  it.each([
    [10_000, 9_000],
    [30_000, 29_000],
    [3_000, 2_700],
    [1_000, 900],
    [500, 450],
    [200, 150],
    [100, 50],
    [20, 10],
    // No API server waits longer than 30 s.
    [600_000, 29_000],
  ])('of %s ms leaves %s ms', (timeout, expected) => {
    expect(timeToAnswer(timeout)).toBe(expected);
  });
});
