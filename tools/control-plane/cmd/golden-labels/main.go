// Command golden-labels records what k8s.io/apimachinery makes of names and of label selectors in both forms.
//
//	go run ./cmd/golden-labels > ../../test/golden/labels.json
//
// src/api/names.test.ts and src/api/label-selector.test.ts hold Sallyport against the record.
package main

import (
	"encoding/json"
	"fmt"
	"log"
	"math/rand"
	"runtime/debug"
	"strconv"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/util/validation"
)

const module = "k8s.io/apimachinery"

// name is one text under each rule: what is wrong with it.
type name struct {
	Value            string   `json:"value"`
	DNS1123Label     []string `json:"dns1123Label"`
	DNS1123Subdomain []string `json:"dns1123Subdomain"`
	DNS1035Label     []string `json:"dns1035Label"`
	QualifiedName    []string `json:"qualifiedName"`
	LabelValue       []string `json:"labelValue"`
}

// selector is one selector: the error, or its text and which of labelSets it matches.
type selector struct {
	Selector json.RawMessage `json:"selector"`
	Error    string          `json:"error,omitempty"`
	String   string          `json:"string"`
	Empty    bool            `json:"empty"`
	Matches  []bool          `json:"matches,omitempty"`
}

type quoted struct {
	Text   string `json:"text"`
	Quoted string `json:"quoted"`
}

var labelSets = []labels.Set{
	{}, {"a": "1"}, {"a": "2", "b": ""}, {"a": "x", "in": "in"}, {"b": "x", "example.com/c": "y"}, {"a": "10", "b": "x", "notin": ""}, {"a": "99999999999999999999"},
}

var nameTexts = []string{
	"", "a", "A", "-", "a-", "-a", "a-b", "a_b", "a.b", "a..b", ".a", "a.", "a.b.c", "1", "1a", "a1", "A.b", "a b", " a", "a\n", "é", "日本",
	"example.com/a", "Example.com/a", "/a", "a/", "/", "a/b/c", "a//b", "example..com/a", "example.com/_a", "example.com/A_b.c-d", "a*b",
	"example.com/" + strings.Repeat("a", 63), "example.com/" + strings.Repeat("a", 64), strings.Repeat("a", 63), strings.Repeat("a", 64),
	strings.Repeat("é", 32), strings.Repeat("a.", 126) + "a", strings.Repeat("a.", 127) + "a", strings.Repeat("a.", 127) + "a/b", strings.Repeat("a", 253), strings.Repeat("A", 300),
	"requests.example.com/gpu", "kubernetes.io/metadata.name",
}

var selectorTexts = []string{
	"", " ", "a", "!a", "a=1", "a==1", "a!=1", "a in (1)", "a in (1,2)", "a notin (1,2)", "a in ()", "a in (,)", "a in (1,)", "a in (,1)", "a in (1,,2)", "a in (2,1,2)",
	"a notin ()", "a=", "a= ,b", "a==,b", "a!=", "a>1", "a<11", "a>x", "a<", "a>", "a>99999999999999999999", "a=1,b=x", "b=x,a=1", "a,!b", "!a,b", "a,", ",a", "a,,b", "!", "!!a", "a b",
	"a!b", "a in", "a in 1", "a in (", "a in (1", "a in (1 2)", "a in (=)", "a in (1=)", "a (1)", "in", "in=in", "in in (in)", "in in (in,notin)", "notin notin (in)", "a=in", "a in (in)",
	"!in", "!a in (1)", "!a=1", "a===1", "a=!1", "a=(1)", "=1", "==", "(a)", ")", "a)", "-a", "a-=1", "a=-1", "a=1-", "a in (-1)", "x y", "example.com/c=y", "example.com/c in (y),a notin (1)",
	"Example.com/c=y", "a/b/c", "a>=1", "a=>1", "a\t=\n1", " a = 1 , b = x ", "a=1\x00b", "a\x00=1", "\x00a", "a in (1\x00)", "é", "a=é", "a in (é,1)", "a=1,a=2", "a in (1),a notin (2)", "b,a,b=x",
	"a in (" + strings.Repeat("a", 64) + ")", strings.Repeat("a", 64) + "=1", "a=1;b=2", "a=\"1\"", "a in (<)", "a=5,a>4,a<6", "a!=1,a!=2,a", "a,b in (x),!c",
}

var selectors = []string{
	`null`, `{}`, `{"matchLabels":{}}`, `{"matchExpressions":[]}`, `{"matchLabels":{"a":"1"}}`, `{"matchLabels":{"b":"x","a":"10"}}`, `{"matchLabels":{"a b":"1"}}`,
	`{"matchLabels":{"a":"1 2"}}`, `{"matchLabels":{"a/b/c":"-"}}`, `{"matchLabels":{"":""}}`, `{"matchLabels":{"a":""}}`,
	`{"matchExpressions":[{"key":"a","operator":"In","values":["1","10"]}]}`, `{"matchExpressions":[{"key":"a","operator":"NotIn","values":["1","10"]}]}`,
	`{"matchExpressions":[{"key":"a","operator":"Exists"}]}`, `{"matchExpressions":[{"key":"a","operator":"DoesNotExist"}]}`,
	`{"matchExpressions":[{"key":"a","operator":"In"}]}`, `{"matchExpressions":[{"key":"a","operator":"In","values":[]}]}`, `{"matchExpressions":[{"key":"a","operator":"NotIn"}]}`,
	`{"matchExpressions":[{"key":"a","operator":"Exists","values":["1"]}]}`, `{"matchExpressions":[{"key":"a","operator":"DoesNotExist","values":["1","<é\u2028&>","-"]}]}`,
	`{"matchExpressions":[{"key":"a","operator":"Exists","values":[]}]}`, `{"matchExpressions":[{"key":"a","operator":"Equals","values":["1"]}]}`, `{"matchExpressions":[{"key":"a","operator":""}]}`, `{"matchExpressions":[{"key":"a"}]}`,
	`{"matchExpressions":[{"key":"a","operator":"in","values":["1"]}]}`, `{"matchExpressions":[{"key":"a\u0007","operator":"G\"t\n"}]}`, `{"matchExpressions":[{"operator":"Exists"}]}`,
	`{"matchExpressions":[{"key":"-a","operator":"In","values":["-","ok","_"]}]}`, `{"matchExpressions":[{"key":"-a","operator":"In"}]}`, `{"matchExpressions":[{"key":"a","operator":"In","values":["-","-"]}]}`,
	`{"matchLabels":{"b":""},"matchExpressions":[{"key":"a","operator":"NotIn","values":["x"]}]}`, `{"matchExpressions":[{"key":"b","operator":"Exists"},{"key":"a","operator":"In","values":["2","x"]}]}`,
	`{"matchLabels":{"a":"x"},"matchExpressions":[{"key":"a","operator":"Exists"},{"key":"a","operator":"In","values":["x","1"]}]}`, `{"matchExpressions":[{"key":"é","operator":"Exists"}]}`,
	`{"matchExpressions":[{"key":"a","operator":"In","values":["` + strings.Repeat("a", 64) + `"]}]}`, `{"matchExpressions":[{"key":"example.com/c","operator":"In","values":["y",""]}]}`,
}

var quoteTexts = []string{
	"", "plain", `"`, `\`, "a\nb\tc\rd", "\a\b\f\v", "\x00\x01\x1f\x7f", "é", "日本", "\u0085\u00a0\u00ad", "\u200b\u2028\ufeff", "😀", "\U000e0001", "\ue000", "e\u0301", "\ufffd",
}

func main() {
	random := rand.New(rand.NewSource(20260923))
	for range 100 {
		nameTexts = append(nameTexts, randomText(random, "aab19zAZ-_./é ", 12))
	}
	tokens := []string{"a", "b", "in", "notin", "=", "==", "!=", "!", "(", ")", ",", ">", "<", " ", "1", "x", "example.com/c", "-"}
	for range 400 {
		text := ""
		for range 1 + random.Intn(9) {
			text += tokens[random.Intn(len(tokens))]
			if random.Intn(2) == 0 {
				text += " "
			}
		}
		selectorTexts = append(selectorTexts, text)
	}
	fmt.Printf("{\n\"source\": %q,\n\"labelSets\": %s", module+" "+version(), line(labelSets))
	section("names", nameTexts, func(text string) any {
		return name{text, problems(validation.IsDNS1123Label(text)), problems(validation.IsDNS1123Subdomain(text)), problems(validation.IsDNS1035Label(text)),
			problems(validation.IsQualifiedName(text)), problems(validation.IsValidLabelValue(text))}
	})
	section("selectors", selectors, func(text string) any {
		var parsed *metav1.LabelSelector
		if err := json.Unmarshal([]byte(text), &parsed); err != nil {
			log.Fatal(err)
		}
		result, err := metav1.LabelSelectorAsSelector(parsed)
		return outcome(text, result, err)
	})
	section("texts", selectorTexts, func(text string) any {
		result, err := labels.Parse(text)
		return outcome(line(text), result, err)
	})
	section("quoted", quoteTexts, func(text string) any { return quoted{text, strconv.Quote(text)} })
	fmt.Print("\n}\n")
}

func outcome(text string, result labels.Selector, err error) selector {
	if err != nil {
		return selector{Selector: json.RawMessage(text), Error: err.Error()}
	}
	matches := []bool{}
	for _, set := range labelSets {
		matches = append(matches, result.Matches(set))
	}
	return selector{Selector: json.RawMessage(text), String: result.String(), Empty: result.Empty(), Matches: matches}
}

// section prints one case on a line, so that a changed case is a changed line.
func section(name string, texts []string, of func(string) any) {
	lines := make([]string, len(texts))
	for i, text := range texts {
		lines[i] = line(of(text))
	}
	fmt.Printf(",\n%q: [\n%s\n]", name, strings.Join(lines, ",\n"))
}

func line(value any) string {
	text, err := json.Marshal(value)
	if err != nil {
		log.Fatal(err)
	}
	return string(text)
}

func problems(found []string) []string {
	return append([]string{}, found...)
}

func randomText(random *rand.Rand, alphabet string, longest int) string {
	characters := []rune(alphabet)
	text := []rune{}
	for range random.Intn(longest) {
		text = append(text, characters[random.Intn(len(characters))])
	}
	return string(text)
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
