package archtest

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

var goBlock = regexp.MustCompile("(?ms)^```go\n(.*?)^```")

// TestCodeInDocsIsVetted: every Go block of the documentation is a whole file, as gofmt
// writes it, that compiles in a module which uses this one from outside.
func TestCodeInDocsIsVetted(t *testing.T) {
	pages, err := filepath.Glob(filepath.Join(root, "docs", "*.md"))
	if err != nil {
		t.Fatal(err)
	}
	dir := outsideModule(t)
	where := map[string]string{} // block → page
	for _, page := range append(pages, filepath.Join(root, "README.md")) {
		rel := relative(t, page)
		for i, m := range goBlock.FindAllStringSubmatch(read(t, rel), -1) {
			at := fmt.Sprintf("%s, block %d", rel, i+1)
			if !strings.HasPrefix(m[1], "package ") {
				t.Errorf("%s does not begin with package, so it cannot be vetted:\n%.200s", at, m[1])
				continue
			}
			block := fmt.Sprintf("block%d", len(where))
			file := "code.go"
			if strings.Contains(m[1], `"testing"`) {
				file = "code_test.go"
			}
			write(t, filepath.Join(dir, block, file), m[1])
			where[block] = at
		}
	}
	if len(where) < 5 {
		t.Fatalf("only %d Go blocks were found", len(where))
	}
	named := func(out []byte) string {
		said := string(out)
		for block, at := range where {
			said = strings.ReplaceAll(said, block+string(filepath.Separator), at+": ")
		}
		return said
	}
	format := exec.Command("gofmt", "-l", ".")
	format.Dir = dir
	if out, err := format.CombinedOutput(); err != nil || len(out) > 0 {
		t.Errorf("not as gofmt writes it (%v):\n%s", err, named(out))
	}
	vet := exec.Command("go", "vet", "./...")
	vet.Dir = dir
	vet.Env = append(os.Environ(), "GOFLAGS=-mod=mod", "GOPROXY=off", "GOWORK=off")
	if out, err := vet.CombinedOutput(); err != nil {
		t.Errorf("go vet: %v:\n%s", err, named(out))
	}
}

// outsideModule makes a module that requires this one as it is in the tree.
func outsideModule(t *testing.T) string {
	t.Helper()
	top, err := filepath.Abs(root)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	mod := regexp.MustCompile(`(?m)^module .*$`).ReplaceAllString(read(t, "go.mod"), "module example.com/outside")
	write(t, filepath.Join(dir, "go.mod"), mod+fmt.Sprintf(
		"\nrequire github.com/dashwire/dashwire v0.0.0\nreplace github.com/dashwire/dashwire => %q\n", top))
	write(t, filepath.Join(dir, "go.sum"), read(t, "go.sum"))
	return dir
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}
