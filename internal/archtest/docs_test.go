package archtest

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// link is a Markdown link or image that is not an address elsewhere.
var link = regexp.MustCompile(`\]\(([^)#: ]+)(#[^)]*)?\)`)

// TestDocsLinkToWhatIsThere: every link between files of the project leads somewhere.
func TestDocsLinkToWhatIsThere(t *testing.T) {
	checked := 0
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && path != root && skipped(d.Name()) {
			return filepath.SkipDir
		}
		if d.IsDir() || filepath.Ext(path) != ".md" {
			return nil
		}
		rel := relative(t, path)
		for _, m := range link.FindAllStringSubmatch(read(t, rel), -1) {
			checked++
			if _, err := os.Stat(filepath.Join(filepath.Dir(path), filepath.FromSlash(m[1]))); err != nil {
				t.Errorf("%s links to %s, which is not there", rel, m[1])
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if checked < 10 {
		t.Fatalf("only %d links were found", checked)
	}
}

// TestArchitectureNamesEveryPackage: a reader finds each folder of Go code in the map,
// and nothing in the map that is not there.
func TestArchitectureNamesEveryPackage(t *testing.T) {
	text := read(t, "ARCHITECTURE.md")
	all := packages(t)
	for dir := range all {
		if dir == "." || strings.HasPrefix(dir, "examples/") {
			continue
		}
		if !strings.Contains(text, "\n"+dir+"/ ") && !strings.Contains(text, "\n  "+dir+"/ ") {
			t.Errorf("ARCHITECTURE.md has no line for %s/", dir)
		}
	}
	for _, m := range regexp.MustCompile(`(?m)^ {0,2}([a-z][a-z/]*)/ +\S`).FindAllStringSubmatch(text, -1) {
		if info, err := os.Stat(filepath.Join(root, filepath.FromSlash(m[1]))); err != nil || !info.IsDir() {
			t.Errorf("ARCHITECTURE.md names %s/, which is not there", m[1])
		}
	}
}
