// Command golden-quantity records what k8s.io/apimachinery/pkg/api/resource makes of texts and of pairs of them.
//
//	go run ./cmd/golden-quantity > ../../test/golden/quantity.json
//
// src/api/quantity.test.ts holds Sallyport's Quantity against the record.
package main

import (
	"encoding/json"
	"fmt"
	"io"
	"log"
	"math/rand"
	"os"
	"runtime/debug"
	"strings"

	"k8s.io/apimachinery/pkg/api/resource"
)

const module = "k8s.io/apimachinery"

type record struct {
	Source     string
	Parsed     []parsed
	Arithmetic []arithmetic
}

// parsed is one text. Canonical is the text after a computation, which no longer repeats what was parsed.
type parsed struct {
	Text      string    `json:"text"`
	Error     string    `json:"error,omitempty"`
	String    string    `json:"string,omitempty"`
	Canonical string    `json:"canonical,omitempty"`
	Format    string    `json:"format,omitempty"`
	Sign      int       `json:"sign"`
	Integer   *string   `json:"integer,omitempty"`
	Float     string    `json:"float,omitempty"`
	RoundUp   *[]string `json:"roundUp,omitempty"`
}

// arithmetic is one pair. IntegerSum is what AsInt64 of the sum gives, absent where it refuses.
type arithmetic struct {
	A          string  `json:"a"`
	B          string  `json:"b"`
	Sum        string  `json:"sum"`
	SumFormat  string  `json:"sumFormat"`
	IntegerSum *string `json:"integerSum,omitempty"`
	FloatSum   string  `json:"floatSum"`
	Difference string  `json:"difference"`
	Negated    string  `json:"negated"`
	Compared   int     `json:"compared"`
}

// scales that Kubernetes rounds up to: whole units, milli units (defaulting), and two more.
var scales = []resource.Scale{resource.Nano, resource.Milli, 0, resource.Kilo}

var byHand = []string{
	"", " ", "0", "00", "-0", "+0", "0.0", "0.", ".0", ".", "-", "+", "-.", "+.5", ".5", "-.5", "5.", "-5.", "+1", "-1", "01", "007", "1",
	"9", "10", "100", "1000", "1000000", "1001", "999", "1023", "1024", "1025", "1048576", "0.5", "0.1", "0.25", "1.5", "1.50", "1.500",
	"1.000", "0.000", "0.001", "0.0001", "100m", "1000m", "1500m", "0.1m", "0.5m", "1m", "1u", "1n", "0.5n", "-0.5n", "0.1n", "1.1n",
	"-1.1n", "1500n", "999999999n", "1000000000n", "100u", "0.1u", "1k", "1K", "1M", "1G", "1T", "1P", "1E", "10E", "999E", "1000E",
	"1000000E", "9223372036854775807E", "1Ki", "1ki", "1KI", "1Mi", "1Gi", "1Ti", "1Pi", "1Ei", "7Ei", "8Ei", "9Ei", "-8Ei", "-9Ei",
	"1023Ki", "1024Ki", "1025Ki", "8Ki", "16Ki", "0Ki", "0Gi", "Ki", "E", "e", "m", "e5", "E5", ".Ki", "-Ki", "+Ki", "0.5Gi", "0.5Ki",
	"0.5Ei", "1.1Ki", "1.5Gi", "0.0001Ki", "0.0009765625Ki", "0.0000000001Ki", "1.1Mi", "2.5Ti", "-1.5Gi", "-0.5Ki", "+1Ki", "0012Ki",
	"100000000000000Ki", "9007199254740993", "1e0", "1e1", "1e2", "1e3", "1E3", "1e4", "1e6", "1e-1", "1e-3", "1e-6", "1e-9", "1e-10", "12e6", "1.5e3",
	"1.500e3", "1e+3", "1E+3", "1E-3", "1e18", "1e19", "1e21", "1e24", "1e30", "1e100", "1e309", "1e400", "-1e400", "1e-100", "-1e-100", "0e100",
	"1e1e1", "1e", "1e+", "1e-", "1eE5", "1ee5", "1e4294967296", "1e4294967299", "1e99999999999999999999", "1m5", "1+5", "1-5",
	"1 ", " 1", "1 Ki", "1i", "1Kii", "1KiB", "1kB", "1Ki5", "1..5", "1.5.5", "--1", "+-1", "1,5", "1_000", "0x10", "1Gi1", "abc", "NaN",
	"Infinity", "one", "١", "1µ", "1\n", "1e5i", "1ei", "1mi", "1ni", "1Ui", "123456789012345678", "1234567890123456789",
	"12345678901234567890", "999999999999999999", "9223372036854775807", "9223372036854775808", "-9223372036854775808",
	"-9223372036854775809", "9223372036854775807Ki", "123456789.123456789", "123456789.1234567891", "-123456789.1234567891",
	"0.0000000000", "0.000000001", "0.0000000001", "000000000000000000000001", "1.0000000000000000000", "18014398509481984Ki",
	"9007199254740992Ki", "9007199254740991Ki", "100000000000000000k", "1152921504606846976", "4096Pi", "8192Pi", "0.1", "0.2", "0.3",
	"1100", "1100000", "110000m", "1073741824", "1.5e-1", "1e-2", "2.5E", "0.5E", "500E-3", "3E9",
}

// pairsByHand are sums that change the format, overflow int64, cancel out or meet a bound.
var pairsByHand = [][2]string{
	{"100M", "1Ki"}, {"1Ki", "100M"}, {"0", "1Ki"}, {"1Ki", "0"}, {"0Ki", "1k"}, {"1e3", "1k"}, {"0", "1e3"}, {"1", "-1"}, {"1Ki", "-1Ki"},
	{"500m", "500m"}, {"500m", "0.5"}, {"8Ei", "1"}, {"7Ei", "1Ei"}, {"7Ei", "7Ei"}, {"9223372036854775807", "1"}, {"9e18", "9e18"},
	{"-9e18", "-9e18"}, {"1E", "9E"}, {"1n", "1E"}, {"1E", "1n"}, {"1n", "100E"}, {"100E", "1n"}, {"1000E", "1"}, {"1", "1000E"}, {"999E", "1E"}, {"1.5Gi", "0.5Gi"},
	{"0.5Gi", "0.5Gi"}, {"1Ki", "1"}, {"1023", "1Ki"}, {"1Ki", "-1"}, {"100m", "1Ki"}, {"1Ki", "100m"}, {"5.", "0"}, {"1.500", "0"},
	{"0", "1.500"}, {"1e30", "1"}, {"1e30", "-1e30"}, {"1e30", "1e30"}, {"1e-9", "1e18"}, {"0.1n", "0.1n"}, {"0.0", "0.00"}, {"12Mi", "1e6"}, {"1e6", "12Mi"},
	{"100", "1e2"}, {"1000m", "1"}, {"1k", "1000"}, {"1Ki", "1024"}, {"1024Ei", "1"}, {"9223372036854775807", "9223372036854775807"},
	{"0.0000000000", "1k"}, {"1k", "0.0000000000"}, {"0.0000000000", "0"},
}

func main() {
	random := rand.New(rand.NewSource(20260923))
	out := record{Source: module + " " + version()}
	for _, text := range append(byHand, randomTexts(random, 300)...) {
		out.Parsed = append(out.Parsed, parse(text))
	}
	pairs := pairsByHand
	for range 300 {
		pairs = append(pairs, [2]string{randomQuantity(random), randomQuantity(random)})
	}
	for _, pair := range pairs {
		out.Arithmetic = append(out.Arithmetic, compute(pair[0], pair[1]))
	}
	if err := write(os.Stdout, out); err != nil {
		log.Fatal(err)
	}
}

// write puts one case on a line, so that a changed case is a changed line.
func write(w io.Writer, out record) error {
	lines := func(name string, count int, at func(int) any) string {
		texts := make([]string, count)
		for i := range texts {
			text, err := json.Marshal(at(i))
			if err != nil {
				log.Fatal(err)
			}
			texts[i] = string(text)
		}
		return fmt.Sprintf("%q: [\n%s\n]", name, strings.Join(texts, ",\n"))
	}
	_, err := fmt.Fprintf(w, "{\n\"source\": %q,\n%s,\n%s\n}\n", out.Source,
		lines("parsed", len(out.Parsed), func(i int) any { return out.Parsed[i] }),
		lines("arithmetic", len(out.Arithmetic), func(i int) any { return out.Arithmetic[i] }))
	return err
}

func parse(text string) parsed {
	q, err := resource.ParseQuantity(text)
	if err != nil {
		return parsed{Text: text, Error: err.Error()}
	}
	computed := q.DeepCopy()
	computed.Neg()
	computed.Neg()
	rounded := []string{}
	for _, scale := range scales {
		r := q.DeepCopy()
		r.RoundUp(scale)
		rounded = append(rounded, r.String())
	}
	return parsed{
		Text: text, String: q.String(), Canonical: computed.String(), Format: string(q.Format), Sign: q.Sign(),
		Integer: integer(q), Float: fmt.Sprint(q.AsApproximateFloat64()), RoundUp: &rounded,
	}
}

func compute(a, b string) arithmetic {
	sum, difference, negated := resource.MustParse(a), resource.MustParse(a), resource.MustParse(a)
	sum.Add(resource.MustParse(b))
	difference.Sub(resource.MustParse(b))
	negated.Neg()
	left := resource.MustParse(a)
	return arithmetic{
		A: a, B: b, Sum: sum.String(), SumFormat: string(sum.Format), IntegerSum: integer(sum), FloatSum: fmt.Sprint(sum.AsApproximateFloat64()),
		Difference: difference.String(), Negated: negated.String(), Compared: left.Cmp(resource.MustParse(b)),
	}
}

func integer(q resource.Quantity) *string {
	value, ok := q.AsInt64()
	if !ok {
		return nil
	}
	text := fmt.Sprint(value)
	return &text
}

var suffixes = []string{"", "", "", "n", "u", "m", "m", "k", "M", "G", "T", "P", "E", "Ki", "Mi", "Mi", "Gi", "Gi", "Ti", "Pi", "Ei", "e3", "E6", "e-3", "e7", "E-4"}

func randomQuantity(random *rand.Rand) string {
	var text strings.Builder
	text.WriteString([]string{"", "", "", "", "-", "+"}[random.Intn(6)])
	for range 1 + random.Intn([]int{2, 4, 10, 22}[random.Intn(4)]) {
		text.WriteByte("0000012456789"[random.Intn(13)])
	}
	if random.Intn(3) == 0 {
		text.WriteByte('.')
		for range random.Intn(12) {
			text.WriteByte("0000123456789"[random.Intn(13)])
		}
	}
	text.WriteString(suffixes[random.Intn(len(suffixes))])
	return text.String()
}

// randomTexts are mostly legal; every fifth has one character changed.
func randomTexts(random *rand.Rand, count int) []string {
	texts := []string{}
	for i := range count {
		text := []byte(randomQuantity(random))
		if i%5 == 0 {
			text[random.Intn(len(text))] = "+-.eEinumkKMGTPx 0"[random.Intn(18)]
		}
		texts = append(texts, string(text))
	}
	return texts
}

func version() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		log.Fatal("no build information")
	}
	for _, dep := range info.Deps {
		if dep.Path == module {
			if dep.Replace != nil {
				return dep.Replace.Version
			}
			return dep.Version
		}
	}
	log.Fatalf("%s is not among the dependencies", module)
	return ""
}
