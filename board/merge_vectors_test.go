package board

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"
)

// update writes what the vectors of merge.json and compose.json expect anew; the
// difference is to be read.
var update = flag.Bool("update", false, "write the expectations of testdata/merge.json and compose.json anew")

type mergeVectors struct {
	Description string      `json:"description"`
	Cases       []mergeCase `json:"cases"`
}

type mergeCase struct {
	Description string          `json:"description"`
	Start       json.RawMessage `json:"start"`
	Steps       []mergeStep     `json:"steps"`
	Document    json.RawMessage `json:"document"`
}

type mergeStep struct {
	Op     json.RawMessage `json:"op"`
	Answer json.RawMessage `json:"answer"`
	Change json.RawMessage `json:"change,omitempty"`
}

func TestM_MergeVectors(t *testing.T) {
	const path = "../testdata/merge.json"
	var vectors mergeVectors
	readSharedVectors(t, path, &vectors)
	if len(vectors.Cases) < 20 {
		t.Fatalf("%s has %d cases", path, len(vectors.Cases))
	}
	for i := range vectors.Cases {
		c := &vectors.Cases[i]
		t.Run(c.Description, func(t *testing.T) {
			w := newWorld(t)
			w.want("applied 1", fmt.Sprintf(`{"type":"REPLACE","by":"start","document":%s}`, c.Start))
			for j := range c.Steps {
				s := &c.Steps[j]
				d := w.decide(w.parse(string(s.Op)))
				expect(t, "answer to op", j, &s.Answer, answerVector(d))
				var change []byte
				if d.Entry != nil {
					change = AppendChange(nil, d.Entry.Change)
				}
				expect(t, "change of op", j, &s.Change, change)
			}
			expect(t, "document after op", len(c.Steps), &c.Document, w.state.AppendDocument(nil))
		})
	}
	if *update {
		var out strings.Builder
		fmt.Fprintf(&out, "{\n  \"description\": %s,\n  \"cases\": [\n", quoted(vectors.Description))
		for i, c := range vectors.Cases {
			fmt.Fprintf(&out, "    {\n      \"description\": %s,\n      \"start\": %s,\n      \"steps\": [\n", quoted(c.Description), oneLine(c.Start))
			for j, s := range c.Steps {
				fmt.Fprintf(&out, "        {\n          \"op\": %s,\n          \"answer\": %s", oneLine(s.Op), oneLine(s.Answer))
				if s.Change != nil {
					fmt.Fprintf(&out, ",\n          \"change\": %s", oneLine(s.Change))
				}
				fmt.Fprintf(&out, "\n        }%s\n", comma(j, len(c.Steps)))
			}
			fmt.Fprintf(&out, "      ],\n      \"document\": %s\n    }%s\n", oneLine(c.Document), comma(i, len(vectors.Cases)))
		}
		out.WriteString("  ]\n}\n")
		writeVectors(t, path, out.String())
	}
}

// answerVector is a decision in the shape of the wire, without the parts that a
// session adds and without words.
func answerVector(d Decision) []byte {
	wordless := func(results []Result) []Result {
		out := make([]Result, len(results))
		for i, r := range results {
			r.Message = ""
			out[i] = r
		}
		return out
	}
	switch {
	case d.Conflict != nil:
		return append(AppendConflict([]byte(`{"type":"CONFLICT_DETECTED","payload":`), d.Conflict), '}')
	case d.Replay > 0:
		return fmt.Appendf(nil, `{"type":"REPLAY","payload":{"version":%d}}`, d.Replay)
	case d.Refusal != nil:
		dst := fmt.Appendf(nil, `{"type":"NACK","payload":{"code":%q`, d.Refusal.Code)
		if d.Refusal.Path != "" {
			dst = appendQuoted(append(dst, `,"path":`...), d.Refusal.Path)
		}
		if d.Refusal.Current != "" {
			dst = append(append(dst, `,"current":`...), d.Refusal.Current...)
		}
		if d.Refusal.Results != nil {
			dst = AppendResults(append(dst, `,"results":`...), wordless(d.Refusal.Results))
		}
		return append(dst, "}}"...)
	}
	dst := fmt.Appendf(nil, `{"type":"ACK","payload":{"version":%d,"status":%q`, d.Ack.Version, d.Ack.Status)
	if d.Ack.Change != nil {
		dst = AppendChange(append(dst, `,"change":`...), d.Ack.Change)
	}
	if d.Ack.Overwrote != nil {
		dst = AppendOverwrote(append(dst, `,"overwrote":`...), d.Ack.Overwrote)
	}
	if r := d.Ack.Report; r != nil {
		if r.Skipped != nil {
			dst = appendStrings(append(dst, `,"skipped":`...), r.Skipped)
		}
		if r.Ignored != nil {
			dst = appendStrings(append(dst, `,"ignored":`...), r.Ignored)
		}
		if r.Results != nil {
			dst = AppendResults(append(dst, `,"results":`...), wordless(r.Results))
		}
	}
	return append(dst, "}}"...)
}

type composeVectors struct {
	Description string        `json:"description"`
	Cases       []composeCase `json:"cases"`
}

type composeCase struct {
	Description string            `json:"description"`
	Document    json.RawMessage   `json:"document"`
	Changes     []json.RawMessage `json:"changes"`
	Composed    json.RawMessage   `json:"composed"`
	After       json.RawMessage   `json:"after"`
}

func TestE7_ComposeVectors(t *testing.T) {
	const path = "../testdata/compose.json"
	var vectors composeVectors
	readSharedVectors(t, path, &vectors)
	if len(vectors.Cases) < 20 {
		t.Fatalf("%s has %d cases", path, len(vectors.Cases))
	}
	for i := range vectors.Cases {
		c := &vectors.Cases[i]
		t.Run(c.Description, func(t *testing.T) {
			start, err := ParseDocument(mustValue(t, string(c.Document)))
			if err != nil {
				t.Fatal(err)
			}
			one := start
			var changes []*Change
			var left *Change
			for _, text := range c.Changes {
				change, err := ParseChange(mustValue(t, string(text)))
				if err != nil {
					t.Fatal(err)
				}
				changes = append(changes, change)
				one = change.ApplyTo(one)
				left = Compose(left, change)
			}
			composed := AppendChange(nil, ComposeAll(changes))
			expect(t, "composed of", len(changes), &c.Composed, composed)
			if got := AppendChange(nil, left); string(got) != string(composed) {
				t.Errorf("composed from the left\n%s, in halves\n%s", got, composed)
			}
			after := AppendDocument(nil, one)
			expect(t, "document after", len(changes), &c.After, after)
			if got := AppendDocument(nil, left.ApplyTo(start)); string(got) != string(after) {
				t.Errorf("composed and applied\n%s, one after another\n%s", got, after)
			}
		})
	}
	if *update {
		var out strings.Builder
		fmt.Fprintf(&out, "{\n  \"description\": %s,\n  \"cases\": [\n", quoted(vectors.Description))
		for i, c := range vectors.Cases {
			fmt.Fprintf(&out, "    {\n      \"description\": %s,\n      \"document\": %s,\n      \"changes\": [\n", quoted(c.Description), oneLine(c.Document))
			for j, text := range c.Changes {
				fmt.Fprintf(&out, "        %s%s\n", oneLine(text), comma(j, len(c.Changes)))
			}
			fmt.Fprintf(&out, "      ],\n      \"composed\": %s,\n      \"after\": %s\n    }%s\n", oneLine(c.Composed), oneLine(c.After), comma(i, len(vectors.Cases)))
		}
		out.WriteString("  ]\n}\n")
		writeVectors(t, path, out.String())
	}
}

// expect compares a vector's text with what came; with -update it takes what came.
func expect(t *testing.T, what string, n int, want *json.RawMessage, got []byte) {
	t.Helper()
	if *update {
		*want = got
		return
	}
	if len(*want) == 0 && len(got) == 0 {
		return
	}
	if len(*want) == 0 || len(got) == 0 || mustValue(t, string(*want)) != mustValue(t, string(got)) {
		t.Errorf("%s %d\n got %s\nwant %s", what, n, got, *want)
	}
}

func readSharedVectors(t *testing.T, path string, into any) {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.DisallowUnknownFields()
	if err := dec.Decode(into); err != nil {
		t.Fatalf("%s: %v", path, err)
	}
}

func writeVectors(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

func quoted(s string) string { return string(appendQuoted(nil, s)) }

func oneLine(text json.RawMessage) string {
	var out bytes.Buffer
	if err := json.Compact(&out, text); err != nil {
		return "null"
	}
	return out.String()
}

func comma(i, n int) string {
	if i+1 < n {
		return ","
	}
	return ""
}
