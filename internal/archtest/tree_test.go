package archtest

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

const module = "github.com/dashwire/dashwire"

// root is the module's folder, seen from the folder that this test runs in.
const root = "../.."

// pkg is one folder of Go sources.
type pkg struct {
	dir   string // relative to the root with slashes, "." for the root package
	files []*file
}

// file is one parsed source file.
type file struct {
	path string // relative to the root, with slashes
	test bool
	ast  *ast.File
	fset *token.FileSet
}

// imports lists what the file imports: our own packages by folder, "." for the
// root package, others by path.
func (f *file) imports() (ours, others []string) {
	for _, spec := range f.ast.Imports {
		path, err := strconv.Unquote(spec.Path.Value)
		switch {
		case err != nil:
			continue
		case path == module:
			ours = append(ours, ".")
		case strings.HasPrefix(path, module+"/"):
			ours = append(ours, strings.TrimPrefix(path, module+"/"))
		default:
			others = append(others, path)
		}
	}
	return ours, others
}

func (f *file) at(n ast.Node) string {
	return f.path + ":" + strconv.Itoa(f.fset.Position(n.Pos()).Line)
}

// skipped are folders that hold no code of this module.
func skipped(name string) bool {
	switch name {
	case ".git", "node_modules", "dist", "testdata", "tmp", "tools":
		return true
	}
	return false
}

// ownModule tells that a folder is a module of its own, which nothing here imports.
func ownModule(path string) bool {
	_, err := os.Stat(filepath.Join(path, "go.mod"))
	return err == nil
}

// packages parses every Go file of the module.
func packages(t *testing.T) map[string]*pkg {
	t.Helper()
	all := map[string]*pkg{}
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() {
			if path != root && (skipped(d.Name()) || ownModule(path)) {
				return filepath.SkipDir
			}
			return nil
		}
		if !strings.HasSuffix(path, ".go") {
			return nil
		}
		fset := token.NewFileSet()
		parsed, err := parser.ParseFile(fset, path, nil, parser.ParseComments)
		if err != nil {
			return err
		}
		rel := relative(t, path)
		dir := filepath.ToSlash(filepath.Dir(rel))
		if all[dir] == nil {
			all[dir] = &pkg{dir: dir}
		}
		all[dir].files = append(all[dir].files, &file{
			path: rel, test: strings.HasSuffix(path, "_test.go"), ast: parsed, fset: fset,
		})
		return nil
	})
	if err != nil {
		t.Fatalf("read the sources: %v", err)
	}
	if all["board"] == nil || all["journal"] == nil {
		t.Fatalf("no packages found under %s", root)
	}
	return all
}

func relative(t *testing.T, path string) string {
	t.Helper()
	rel, err := filepath.Rel(root, path)
	if err != nil {
		t.Fatal(err)
	}
	return filepath.ToSlash(rel)
}

// read returns a file of the module.
func read(t *testing.T, path string) string {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(root, filepath.FromSlash(path)))
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}
