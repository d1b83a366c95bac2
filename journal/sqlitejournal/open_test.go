//go:build unix

package sqlitejournal

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/dashwire/dashwire/journal"
)

func TestOpenErrorsSayWhatToDo(t *testing.T) {
	write := func(t *testing.T, data string) string {
		path := filepath.Join(t.TempDir(), "test.db")
		if err := os.WriteFile(path, []byte(data), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	changed := func(statements ...string) func(t *testing.T) string {
		return func(t *testing.T) string {
			path := closedJournal(t)
			sql(t, path, statements...)
			return path
		}
	}
	tests := []struct {
		name string
		path func(t *testing.T) string
		want string
	}{
		{"text", func(t *testing.T) string { return write(t, strings.Repeat("not a database\n", 500)) }, "choose another file"},
		{"a few bytes", func(t *testing.T) string { return write(t, "SQL") }, "choose another file"},
		{"another program's database", func(t *testing.T) string {
			path := filepath.Join(t.TempDir(), "test.db")
			sql(t, path, "CREATE TABLE notes (x)")
			return path
		}, "no Dashwire journal: choose another file"},
		{"no folder", func(t *testing.T) string { return filepath.Join(t.TempDir(), "none", "test.db") }, "does not exist: create it"},
		{"a folder", func(t *testing.T) string { return t.TempDir() }, "choose another path"},
		{"a file for a folder", func(t *testing.T) string { return filepath.Join(write(t, "x"), "test.db") }, "choose another path"},
		{"newer format", changed("UPDATE meta SET value = '3' WHERE name = 'format'"), "written by a newer version: the file has format 3"},
		{"no format", changed("DELETE FROM meta"), "format number"},
		{"a trigger", changed("CREATE TRIGGER x AFTER INSERT ON chunks BEGIN DELETE FROM meta; END"), `it has a trigger "x"`},
		{"a table missing", changed("DROP TABLE snapshots"), "its snapshots is missing"},
		{"another view", changed("DROP VIEW log", "CREATE VIEW log AS SELECT 1"), "its log is missing or another"},
		{"a file without its commit log", func(t *testing.T) string {
			path := crash(t, mustOpen(t, closedJournal(t), Options{}))
			if err := os.RemoveAll(logFolder(path)); err != nil {
				t.Fatal(err)
			}
			return path
		}, "-log back where it was"},
		{"a file beside the commit log of a later one", func(t *testing.T) string {
			path := closedJournal(t)
			old, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			j := mustOpen(t, path, Options{})
			mustAppend(t, j, "ops", 3, "fourth")
			path = crash(t, j)
			if err := errors.Join(os.WriteFile(path, old, 0o600), os.Remove(path+"-wal")); err != nil {
				t.Fatal(err)
			}
			return path
		}, "-log away first"},
		{"another file beside it", func(t *testing.T) string {
			j := mustOpen(t, filepath.Join(t.TempDir(), "test.db"), Options{})
			mustAppend(t, j, "ops", 0, "first")
			other := crash(t, j)
			j = mustOpen(t, closedJournal(t), Options{})
			path := crash(t, j)
			if err := errors.Join(os.RemoveAll(logFolder(path)), os.Rename(logFolder(other), logFolder(path))); err != nil {
				t.Fatal(err)
			}
			return path
		}, "-log away first"},
		{"a commit that cannot be read", func(t *testing.T) string {
			j := mustOpen(t, filepath.Join(t.TempDir(), "test.db"), Options{})
			mustAppend(t, j, "ops", 0, "first")
			mustAppend(t, j, "ops", 1, "second")
			path := crash(t, j)
			damageLog(t, path, "\x03ops\x01\x01\x05", "\x03opt\x01\x01\x05")
			return path
		}, "commit 1: "},
		{"cut in half", func(t *testing.T) string {
			path := closedJournal(t)
			if err := os.Truncate(path, 12_000); err != nil {
				t.Fatal(err)
			}
			return path
		}, "restore the newest backup"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			path := test.path(t)
			j, err := Open(path, Options{})
			if err == nil {
				_ = j.Close()
				t.Fatal("opened")
			}
			if !strings.Contains(err.Error(), test.want) || strings.Contains(err.Error(), "\n") {
				t.Errorf("got %q, want one line with %q", err, test.want)
			}
		})
	}
}

func TestOpenReadOnly_SaysWhatIsNotThere(t *testing.T) {
	dir := t.TempDir()
	for name, want := range map[string]string{
		"test.db":      "there is no such file: check its name",
		"none/test.db": "none does not exist",
	} {
		if _, err := OpenReadOnly(filepath.Join(dir, name), Options{}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want something with %q", name, err, want)
		}
	}
}

func TestASecondOpenIsRefused(t *testing.T) {
	path := filepath.Join(t.TempDir(), "test.db")
	j := mustOpen(t, path, Options{})
	_, err := Open(path, Options{})
	if !errors.Is(err, ErrInUse) || !strings.Contains(err.Error(), fmt.Sprint("process ", os.Getpid())) {
		t.Errorf("got %v, want ErrInUse with the process", err)
	}
	mustAppend(t, j, "ops", 0, "a")
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	wantLog(t, mustOpen(t, path, Options{}), "ops", "a")
}

// TestOpenWithoutRights runs itself as a user that may not write.
func TestOpenWithoutRights(t *testing.T) {
	const env = "SQLITEJOURNAL_TEST_OPEN"
	if path := os.Getenv(env); path != "" {
		_, err := Open(path, Options{})
		fmt.Println("OPEN:", err)
		return
	}
	file, folder := closedJournal(t), closedJournal(t)
	if err := os.Chmod(file, 0o444); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(filepath.Dir(folder), 0o555); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := os.Chmod(filepath.Dir(folder), 0o700); err != nil {
			t.Error(err)
		}
	})
	for _, path := range []string{file, folder} {
		cmd := exec.Command("/proc/self/exe", "-test.run=^TestOpenWithoutRights$")
		cmd.Env = append(os.Environ(), env+"="+path)
		if os.Getuid() == 0 {
			// root may write everywhere: become nobody, who must reach the file.
			for dir := filepath.Dir(path); dir != "/" && dir != os.TempDir(); dir = filepath.Dir(dir) {
				info, err := os.Stat(dir)
				if err != nil {
					t.Fatal(err)
				}
				if err := os.Chmod(dir, info.Mode()|0o055); err != nil {
					t.Fatal(err)
				}
			}
			if path == file {
				for _, p := range []string{filepath.Dir(path), path + "-lock"} {
					if err := os.Chmod(p, 0o777); err != nil {
						t.Fatal(err)
					}
				}
			}
			cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
		}
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		if !strings.Contains(string(out), "may not be written: give the user that runs this program the right to") {
			t.Errorf("opening %s gave\n%s", path, out)
		}
	}
}

func TestInstanceIsKept(t *testing.T) {
	path := closedJournal(t)
	first := mustOpen(t, path, Options{})
	name := first.Instance()
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	if again := mustOpen(t, path, Options{}); name == "" || again.Instance() != name {
		t.Errorf("instance is %q, then %q", name, again.Instance())
	}
	if other := mustOpen(t, closedJournal(t), Options{}); other.Instance() == name {
		t.Errorf("two files are both %q", name)
	}
}

func TestClosedJournalIsUnavailable(t *testing.T) {
	j := mustOpen(t, closedJournal(t), Options{})
	followed := make(chan error, 1)
	go func() { followed <- j.Follow(t.Context(), func(journal.Delivery) {}) }()
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	if err := <-followed; !errors.Is(err, journal.ErrUnavailable) {
		t.Errorf("follow: got %v", err)
	}
	if _, err := j.Append(t.Context(), appendOf("ops", 3, "a")); !errors.Is(err, journal.ErrUnavailable) {
		t.Errorf("append: got %v", err)
	}
	if _, _, err := j.Head(t.Context(), "ops"); !errors.Is(err, journal.ErrUnavailable) {
		t.Errorf("head: got %v", err)
	}
	if err := j.Close(); err != nil {
		t.Errorf("closing again: %v", err)
	}
}

// A file whose pages have another size than those of new files goes on as it is.
func TestPagesOfOldAndNewFiles(t *testing.T) {
	for _, size := range []int64{4 << 10, pageBytes} {
		path := filepath.Join(t.TempDir(), "test.db")
		if size != pageBytes {
			c, err := openConn(path, readWriteCreate, false)
			if err != nil {
				t.Fatal(err)
			}
			err = errors.Join(c.exec(t.Context(), fmt.Sprintf("PRAGMA page_size = %d", size)), createSchema(t.Context(), c, "old"))
			if err := errors.Join(err, c.close()); err != nil {
				t.Fatal(err)
			}
		}
		j := mustOpen(t, path, Options{tune: tuning{walPages: 10, spreadBytes: 20_000}})
		fill(t, j, "ops", 0, 500)
		if err := j.Close(); err != nil {
			t.Fatal(err)
		}
		c, err := openConn(path, readOnly, false)
		if err != nil {
			t.Fatal(err)
		}
		got, err := readMax(t.Context(), c, "PRAGMA page_size")
		records, err2 := readMax(t.Context(), c, "SELECT count(*) FROM log")
		if err := errors.Join(err, err2, c.close()); err != nil {
			t.Fatal(err)
		}
		if got != size || records != 500 {
			t.Errorf("pages of %d bytes and %d records, want %d and 500", got, records, size)
		}
	}
}
