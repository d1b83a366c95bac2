package httpsig

import (
	"net/http"
	"strings"
	"testing"
)

// FuzzVerify sends whatever headers: nothing panics, nothing unsigned passes, and what
// passes says what was signed.
func FuzzVerify(f *testing.F) {
	g := newRig(f, nil)
	r := g.sign(f, put(f), edKey, SignOptions{Nonce: "n-1"})
	good := [3]string{r.Header.Get("Signature-Input"), r.Header.Get("Signature"), r.Header.Get("Content-Digest")}
	f.Add(good[0], good[1], good[2], "/api/dashboards/ops/widgets/cpu/data", "a=b", body)
	f.Add(`sig=("x-a";sf "x-b";key="c" "x-d";bs "@query-param";name="%41");created=1;keyid="k";nonce="n"`, "sig=:AAAA:", "sha-512=:AA==:", "/", "%41=%zz", "")
	f.Add(`a=(), b=(1 2.5 ?1 t :AA==: @1 %"x");c=1`, `a=1;b, b="\"", c`, `,`, "/a%2Fb", "&&=&", "x")
	f.Fuzz(func(t *testing.T, input, sig, digest, path, query, text string) {
		v, err := NewVerifier(g.cfg) // one that has seen no nonce
		if err != nil {
			t.Fatal(err)
		}
		r := put(t)
		r.Header["Signature-Input"] = strings.Split(input, "\n")
		r.Header["Signature"] = strings.Split(sig, "\n")
		r.Header["Content-Digest"] = strings.Split(digest, "\n")
		r.URL.Path, r.URL.RawQuery = path, query
		r.Body, r.ContentLength = http.NoBody, 0
		if text != "" {
			r = withBody(t, r, text)
		}
		key, err := v.Verify(r)
		if err != nil {
			if reasonOf(err) == "" || key != "" {
				t.Fatalf("%q, %v", key, err)
			}
			return
		}
		if key != edKey || text != body || query != "a=b" {
			t.Fatalf("%s passes with the body %q and the query %q", key, text, query)
		}
		again := withBody(t, r, text)
		if _, err := v.Verify(again); reasonOf(err) != Replayed {
			t.Fatalf("the same again: %v", err)
		}
	})
}

func withBody(t *testing.T, r *http.Request, text string) *http.Request {
	t.Helper()
	c, err := http.NewRequest(r.Method, r.URL.String(), strings.NewReader(text))
	if err != nil {
		t.Skip() // a path that no client could send
	}
	u := *r.URL
	c.URL, c.Host, c.Header = &u, r.Host, r.Header
	return c
}

// FuzzDictionary holds the count of members to what the parser found.
func FuzzDictionary(f *testing.F) {
	for _, seed := range []string{`a=1, b="x,\"y", c=("a," :AA==:);d="," , e`, "a=1,a=2", `a=%"x,y"`, " ", `a="\\", b`} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		dict, err := dictionary("X", strings.Split(text, "\n"))
		if err == nil && countMembers(strings.ReplaceAll(text, "\n", ", ")) != len(dict.Names()) {
			t.Fatalf("%q: %v", text, dict.Names())
		}
	})
}
