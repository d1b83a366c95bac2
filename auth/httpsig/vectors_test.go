package httpsig

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"os"
	"strings"
	"testing"

	"github.com/dunglas/httpsfv"
)

// vectors are those of RFC 9421, appendix B.
type vectors struct {
	Keys []struct {
		ID, Public, Private string
		Algorithm           Algorithm
	}
	Cases []struct {
		Name, Key, Input, Signature string
		Base                        []string
		// Repeatable: the algorithm gives the same bytes each time.
		Repeatable bool
		Request    *struct {
			Method, URL, Body string
			Header            map[string]string
		}
	}
}

func readVectors(t testing.TB) vectors {
	t.Helper()
	data, err := os.ReadFile("testdata/rfc9421.json")
	if err != nil {
		t.Fatal(err)
	}
	var v vectors
	if err := json.Unmarshal(data, &v); err != nil {
		t.Fatal(err)
	}
	return v
}

// rfcKeys are the keys of appendix B.1, public and private, by id.
func rfcKeys(t testing.TB) (public, private map[string]Key) {
	t.Helper()
	public, private = make(map[string]Key), make(map[string]Key)
	for _, k := range readVectors(t).Keys {
		var err error
		if public[k.ID], err = ParseKey(k.ID, k.Algorithm, k.Public); err != nil {
			t.Fatal(err)
		}
		if private[k.ID], err = ParseKey(k.ID, k.Algorithm, k.Private); err != nil {
			t.Fatal(err)
		}
	}
	return public, private
}

func parseList(t testing.TB, text string) httpsfv.InnerList {
	t.Helper()
	list, err := httpsfv.UnmarshalList([]string{text})
	if err != nil || len(list) != 1 {
		t.Fatalf("%s: %v", text, err)
	}
	return list[0].(httpsfv.InnerList)
}

func TestC2_TheExamplesOfTheRFC(t *testing.T) {
	public, private := rfcKeys(t)
	for _, c := range readVectors(t).Cases {
		t.Run(c.Name, func(t *testing.T) {
			base := []byte(strings.Join(c.Base, "\n"))
			if c.Request != nil {
				r, err := http.NewRequest(c.Request.Method, c.Request.URL, strings.NewReader(c.Request.Body))
				if err != nil {
					t.Fatal(err)
				}
				for k, v := range c.Request.Header {
					r.Header.Set(k, v)
				}
				list := parseList(t, c.Input)
				all, refusal := components(list)
				if refusal != nil {
					t.Fatal(refusal)
				}
				got, refusal := signatureBase(r, all, list)
				if refusal != nil {
					t.Fatal(refusal)
				}
				if !bytes.Equal(got, base) {
					t.Fatalf("signature base\n%s\nwant\n%s", got, base)
				}
			}
			if c.Key == "" {
				return // its algorithm is none of ours
			}
			sig, err := base64.StdEncoding.DecodeString(c.Signature)
			if err != nil {
				t.Fatal(err)
			}
			if !public[c.Key].verify(base, sig) {
				t.Error("the RFC's signature is not found good")
			}
			own, err := private[c.Key].sign(base)
			if err != nil {
				t.Fatal(err)
			}
			if c.Repeatable && !bytes.Equal(own, sig) {
				t.Errorf("signed %x, want %x", own, sig)
			}
			if !public[c.Key].verify(base, own) {
				t.Error("our own signature is not found good")
			}
			for i := range sig {
				bad := bytes.Clone(sig)
				bad[i] ^= 1
				if public[c.Key].verify(base, bad) {
					t.Fatalf("found good with byte %d changed", i)
				}
			}
			for _, bad := range [][]byte{nil, sig[:len(sig)-1], append(bytes.Clone(sig), 0)} {
				if public[c.Key].verify(base, bad) {
					t.Fatalf("a signature of %d bytes is found good", len(bad))
				}
			}
		})
	}
}

func TestC2_TheDigestsOfTheRFC(t *testing.T) {
	for _, c := range readVectors(t).Cases {
		if c.Request == nil || c.Request.Header["Content-Digest"] == "" {
			continue
		}
		if err := checkDigest([]string{c.Request.Header["Content-Digest"]}, []byte(c.Request.Body)); err != nil {
			t.Errorf("%s: %v", c.Name, err)
		}
	}
}
