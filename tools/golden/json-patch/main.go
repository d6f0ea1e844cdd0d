// Records what the API server's JSON Patch library makes of the patches in src/chain/json-patch/testdata/library.json:
//
//	cd tools/control-plane && go run ../golden/json-patch/main.go ../../src/chain/json-patch/testdata/library.json
package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"

	jsonpatch "gopkg.in/evanphx/json-patch.v4"
)

type recorded struct {
	Patch  string `json:"patch"`
	Panic  bool   `json:"panic,omitempty"`
	Decode string `json:"decode,omitempty"`
	Apply  string `json:"apply,omitempty"`
	Out    string `json:"out,omitempty"`
}

func record(document []byte, patch string) (result recorded) {
	defer func() {
		if recover() != nil {
			result = recorded{Patch: patch, Panic: true}
		}
	}()
	decoded, err := jsonpatch.DecodePatch([]byte(patch))
	if err != nil {
		return recorded{Patch: patch, Decode: err.Error()}
	}
	out, err := decoded.Apply(document)
	if err != nil {
		return recorded{Patch: patch, Apply: err.Error()}
	}
	return recorded{Patch: patch, Out: string(out)}
}

func must(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func main() {
	path := os.Args[1]
	text, err := os.ReadFile(path)
	must(err)
	var file struct {
		Document string
		Cases    []recorded
	}
	must(json.Unmarshal(text, &file))
	// The API server encodes the object itself, so keys are sorted and HTML is escaped.
	var value any
	must(json.Unmarshal([]byte(file.Document), &value))
	document, err := json.Marshal(value)
	must(err)
	var written bytes.Buffer
	encode := func(value any) string {
		var line bytes.Buffer
		encoder := json.NewEncoder(&line)
		encoder.SetEscapeHTML(false)
		must(encoder.Encode(value))
		return string(bytes.TrimSuffix(line.Bytes(), []byte("\n")))
	}
	written.WriteString(`{"document":` + encode(file.Document) + `,"cases":[` + "\n")
	for index, each := range file.Cases {
		if index > 0 {
			written.WriteString(",\n")
		}
		written.WriteString(encode(record(document, each.Patch)))
	}
	written.WriteString("\n]}\n")
	must(os.WriteFile(path, written.Bytes(), 0o644))
}
