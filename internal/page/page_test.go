package page_test

import (
	"bufio"
	"compress/gzip"
	"io"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/dashwire/dashwire/internal/page"
)

func get(t *testing.T, path string, header ...string) *http.Response {
	t.Helper()
	r := httptest.NewRequest(http.MethodGet, path, nil)
	r.Host = "localhost:3000"
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	page.Handler().ServeHTTP(w, r)
	return w.Result()
}

func TestHandler_ServesThePage(t *testing.T) {
	for _, c := range []struct{ name, path, kind string }{
		{"index", "/", "text/html; charset=utf-8"},
		{"index by name", "/index.html", "text/html; charset=utf-8"},
		{"script", "/app.js", "text/javascript; charset=utf-8"},
		{"style", "/style.css", "text/css; charset=utf-8"},
		{"icon", "/icon.svg", "image/svg+xml"},
	} {
		t.Run(c.name, func(t *testing.T) {
			res := get(t, c.path)
			if res.StatusCode != http.StatusOK || res.Header.Get("Content-Type") != c.kind {
				t.Fatalf("status %d, type %q", res.StatusCode, res.Header.Get("Content-Type"))
			}
			if res.Header.Get("X-Content-Type-Options") != "nosniff" || res.Header.Get("Referrer-Policy") == "" {
				t.Errorf("headers %v", res.Header)
			}
			if again := get(t, c.path, "If-None-Match", res.Header.Get("ETag")); again.StatusCode != http.StatusNotModified {
				t.Errorf("with its ETag: status %d", again.StatusCode)
			}
			plain, err := io.ReadAll(res.Body)
			if err != nil {
				t.Fatal(err)
			}
			packed := get(t, c.path, "Accept-Encoding", "gzip, br")
			if packed.Header.Get("Content-Encoding") != "gzip" {
				return // too small to gain
			}
			unpack, err := gzip.NewReader(packed.Body)
			if err != nil {
				t.Fatal(err)
			}
			if got, err := io.ReadAll(unpack); err != nil || string(got) != string(plain) {
				t.Errorf("packed differs: %v", err)
			}
		})
	}
	if res := get(t, "/app.js", "Accept-Encoding", "gzip;q=0"); res.Header.Get("Content-Encoding") != "" {
		t.Error("sends gzip to who refuses it")
	}
	for _, path := range []string{"/nothing", "/static/index.html", "/../page.go"} {
		if res := get(t, path); res.StatusCode != http.StatusNotFound {
			t.Errorf("%s: status %d", path, res.StatusCode)
		}
	}
}

func TestHandler_Policy(t *testing.T) {
	csp := get(t, "/").Header.Get("Content-Security-Policy")
	for _, want := range []string{
		"default-src 'none'", "script-src 'self';", "style-src 'self';", "frame-ancestors 'none'",
		"connect-src 'self' ws://localhost:3000 wss://localhost:3000",
	} {
		if !strings.Contains(csp, want) {
			t.Errorf("%q lacks %q", csp, want)
		}
	}
	if strings.Contains(csp, "unsafe") {
		t.Errorf("%q", csp)
	}
	r := httptest.NewRequest(http.MethodGet, "/", nil)
	r.Host = "evil; script-src *"
	w := httptest.NewRecorder()
	page.Handler().ServeHTTP(w, r)
	if csp := w.Header().Get("Content-Security-Policy"); strings.Contains(csp, "evil") {
		t.Errorf("the Host header got into the policy: %q", csp)
	}
}

// The page stays as small and plain as it says it is.
func TestStatic_IsSmallAndPlain(t *testing.T) {
	lines := 0
	markup := regexp.MustCompile(`innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(|new Function`)
	err := fs.WalkDir(os.DirFS("static"), ".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		f, err := os.Open("static/" + path)
		if err != nil {
			return err
		}
		defer f.Close()
		for scan := bufio.NewScanner(f); scan.Scan(); {
			if strings.HasSuffix(path, ".js") {
				lines++
			}
			if found := markup.FindString(scan.Text()); found != "" {
				t.Errorf("%s uses %s: text of others must not become markup", path, found)
			}
			if strings.HasSuffix(path, ".html") && regexp.MustCompile(`<script>|<style|\sstyle=|\son\w+=`).MatchString(scan.Text()) {
				t.Errorf("%s has something inline, which the policy forbids: %s", path, scan.Text())
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if lines == 0 || lines > 600 {
		t.Errorf("%d lines of JavaScript, want at most 600", lines)
	}
}
