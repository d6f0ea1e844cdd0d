import { describe, expect, it } from 'vitest';
import type { JsonValue } from '../../json/json-value.ts';
import { readExactJson } from '../../json/read-json.ts';
import { decodeGoJson, type GoStruct } from './decode.ts';
import { equalGoNumbers, goNumberText } from './number.ts';

const type: GoStruct = {
  kind: 'struct',
  name: 'v1.Thing',
  fields: {
    name: { kind: 'string', name: 'string' },
    ready: { kind: 'bool', name: 'bool' },
    port: { kind: 'int32', name: 'int32' },
    size: { kind: 'int64', name: 'int64' },
    data: { kind: 'bytes', name: '[]uint8' },
    tags: { kind: 'slice', name: '[]string', element: { kind: 'string', name: 'string' } },
    labels: { kind: 'map', name: 'map[string]string', element: { kind: 'string', name: 'string' } },
    inner: { kind: 'struct', name: 'v1.Inner', fields: { code: { kind: 'int32', name: 'int32' } } },
    open: { kind: 'any' },
  },
};
const decode = (text: string) => decodeGoJson(type, readExactJson(text));

describe('decodeGoJson()', () => {
  it('keeps what the type has and drops the rest', () => {
    const text =
      '{"name":"a","ready":true,"port":80,"tags":["x",null],"labels":{"a":null},"inner":{"code":1,"more":2},"open":[{}],"Name":"b"}';
    expect(decode(text)).toEqual({
      value: { name: 'a', ready: true, port: 80, tags: ['x', ''], labels: { a: '' }, inner: { code: 1 }, open: [{}] },
    });
  });

  it.each<[string, JsonValue]>([
    ['null', null],
    ['{"name":null,"inner":null}', {}],
    ['{"data":"aGk="}', { data: 'aGk=' }],
    ['{"data":"aG\\nk=\\n"}', { data: 'aGk=' }],
    ['{"data":[104,105]}', { data: 'aGk=' }],
    ['{"port":-2147483648}', { port: -2147483648 }],
  ])('reads %s', (text, value) => {
    expect(decode(text)).toEqual({ value });
  });

  it.each([
    ['[]', 'json: cannot unmarshal array into Go value of type v1.Thing'],
    ['{"name":1}', 'json: cannot unmarshal number into Go struct field Thing.name of type string'],
    ['{"ready":"yes"}', 'json: cannot unmarshal string into Go struct field Thing.ready of type bool'],
    ['{"port":1.0}', 'json: cannot unmarshal number 1.0 into Go struct field Thing.port of type int32'],
    ['{"port":2147483648}', 'json: cannot unmarshal number 2147483648 into Go struct field Thing.port of type int32'],
    [
      '{"size":9223372036854775808}',
      'json: cannot unmarshal number 9223372036854775808 into Go struct field Thing.size of type int64',
    ],
    ['{"tags":{}}', 'json: cannot unmarshal object into Go struct field Thing.tags of type []string'],
    ['{"tags":["a",true]}', 'json: cannot unmarshal bool into Go struct field Thing.tags of type string'],
    ['{"labels":{"a":[]}}', 'json: cannot unmarshal array into Go struct field Thing.labels of type string'],
    ['{"inner":{"code":"x"}}', 'json: cannot unmarshal string into Go struct field Inner.inner.code of type int32'],
    ['{"name":1,"ready":1}', 'json: cannot unmarshal number into Go struct field Thing.name of type string'],
    ['{"data":"!"}', 'illegal base64 data at input byte 0'],
    ['{"data":"aGk"}', 'illegal base64 data at input byte 0'],
    ['{"data":"aGk=x"}', 'illegal base64 data at input byte 4'],
    ['{"data":"aG=k"}', 'illegal base64 data at input byte 2'],
    ['{"data":[256]}', 'json: cannot unmarshal number 256 into Go struct field Thing.data of type uint8'],
    ['{"data":["a"]}', 'json: cannot unmarshal string into Go struct field Thing.data of type uint8'],
    ['{"data":7}', 'json: cannot unmarshal number into Go struct field Thing.data of type []uint8'],
  ])('refuses %s', (text, problem) => {
    expect(decode(text)).toEqual({ problem });
  });
});

describe('goNumberText()', () => {
  it.each([
    ['1', '1'],
    ['-0', '0'],
    ['-0.0', '-0'],
    ['1.0', '1'],
    ['1e3', '1000'],
    ['1.50', '1.5'],
    ['9007199254740993', '9007199254740993'],
    ['9223372036854775807', '9223372036854775807'],
    ['9223372036854775808', '9223372036854776000'],
    ['1e21', '1e+21'],
    ['1e-7', '1e-7'],
    ['0.000001', '0.000001'],
  ])('of %s is %s', (literal, text) => {
    // A literal is a number, raw or not.
    expect(goNumberText(readExactJson(literal) as number)).toBe(text);
  });

  it.each([
    ['1', '1', true],
    ['1', '1.0', false],
    ['1.0', '1e0', true],
    ['9007199254740993', '9007199254740992', false],
  ])('%s and %s are equal: %j', (a, b, equal) => {
    expect(equalGoNumbers(readExactJson(a) as number, readExactJson(b) as number)).toBe(equal);
  });
});
