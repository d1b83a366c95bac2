package wire

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// update rewrites the parts of testdata that this package makes; review the diff.
var update = flag.Bool("update", false, "rewrite testdata")

// pin is the digest of all vectors. If it breaks, the protocol has changed: change
// docs/PROTOCOL.md first, think of the clients that are out there (may they ignore
// it? then a field; may they not? then a new Protocol number), run the tests with
// -update, and only then write the new digest here.
const pin = "85de455210f0d1a8"

func TestE1_ProtocolPin(t *testing.T) {
	sum := sha256.New()
	for _, name := range []string{"client.json", "refused.json", "server.json"} {
		data, err := os.ReadFile(filepath.Join("testdata", name))
		if err != nil {
			t.Fatal(err)
		}
		sum.Write(data)
	}
	if got := hex.EncodeToString(sum.Sum(nil))[:16]; got != pin {
		t.Errorf("the vectors have the digest %s, pinned is %s: read the comment of pin", got, pin)
	}
}

// vector is one message of testdata and what becomes of it.
type vector struct {
	Name string `json:"name"`
	// Message is JSON; Text is bytes that may be none. One of them is there.
	Message json.RawMessage `json:"message,omitempty"`
	Text    *string         `json:"text,omitempty"`
	// Want is the decoded message, or its refusal.
	Want json.RawMessage `json:"want,omitempty"`
}

// checkVectors runs make over the vectors of one file and compares what it gives.
func checkVectors(t *testing.T, file string, decode func(text string) any) {
	path := filepath.Join("testdata", file)
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var vectors []vector
	if err := json.Unmarshal(data, &vectors); err != nil {
		t.Fatalf("%s: %v", path, err)
	}
	for i, v := range vectors {
		t.Run(v.Name, func(t *testing.T) {
			text := string(v.Message)
			if v.Text != nil {
				text = *v.Text
			}
			got, err := json.Marshal(decode(strings.ReplaceAll(text, "%64k%", strings.Repeat("x", 64<<10))))
			if err != nil {
				t.Fatal(err)
			}
			if *update {
				vectors[i].Want = got
			} else if string(got) != string(v.Want) {
				t.Errorf("got  %s\nwant %s", got, v.Want)
			}
		})
	}
	if *update {
		writeVectors(t, path, vectors)
	}
}

// writeVectors writes a file with one vector a line.
func writeVectors[V any](t *testing.T, path string, vectors []V) {
	var b bytes.Buffer
	for i, v := range vectors {
		line, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		b.WriteString(map[bool]string{true: "[\n", false: ",\n"}[i == 0])
		b.Write(line)
	}
	b.WriteString("\n]\n")
	if err := os.WriteFile(path, b.Bytes(), 0o644); err != nil {
		t.Fatal(err)
	}
}
