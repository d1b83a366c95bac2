package main

import (
	"encoding/xml"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestShortNumbers(t *testing.T) {
	for v, want := range map[float64]string{0: "0", 0.114: "0.11", 9.5: "9.50", 42.24: "42.2", 512: "512", 1234: "1,230", 2_188_000: "2,190,000", 999.6: "1,000"} {
		if got := short(v); got != want {
			t.Errorf("short(%v) = %q, want %q", v, got, want)
		}
	}
}

func TestThePageHasTheSection(t *testing.T) {
	if _, _, _, err := pageIn(".."); err != nil {
		t.Error(err)
	}
}

// TestPublishReplacesTheSectionAlone: what stands around it in the page is kept, and
// the charts are well-formed.
func TestPublishReplacesTheSectionAlone(t *testing.T) {
	root := t.TempDir()
	page := filepath.Join(root, "docs", "benchmarks.md")
	if err := os.Mkdir(filepath.Dir(page), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(page, []byte("before\n"+mark+"\nold\n"+markEnd+"\nafter\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	r := record{Begun: time.Unix(0, 0), Machine: "a machine", Rounds: 3, Seconds: 8}
	for i, v := range []float64{300, 100, 200} {
		r.Results = append(r.Results,
			result{Peer: "dashwire", Scenario: "hot", Round: i + 1, Numbers: map[string]float64{"deliveries/s": v}},
			result{Peer: "ws", Scenario: "hot", Round: i + 1, Numbers: map[string]float64{"deliveries/s": v / 4}})
	}
	for range 2 { // twice is as once
		if err := r.publish(root); err != nil {
			t.Fatal(err)
		}
	}
	text, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	got := string(text)
	if !strings.HasPrefix(got, "before\n"+mark) || !strings.HasSuffix(got, markEnd+"\nafter\n") || strings.Contains(got, "old") {
		t.Errorf("the page became:\n%s", got)
	}
	for _, want := range []string{"| Dashwire | 200 (100–300) |", "| Node ws | 50.0 (25.0–75.0) |", "](benchmarks/hot.svg)"} {
		if strings.Count(got, want) != 1 {
			t.Errorf("%q does not stand once in the page:\n%s", want, got)
		}
	}
	svg, err := os.Open(filepath.Join(root, "docs", "benchmarks", "hot.svg"))
	if err != nil {
		t.Fatal(err)
	}
	defer svg.Close()
	for d := xml.NewDecoder(svg); ; {
		if _, err := d.Token(); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
	}
}
