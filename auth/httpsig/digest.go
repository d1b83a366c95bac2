package httpsig

import (
	"bytes"
	"crypto/sha256"
	"crypto/sha512"
	"crypto/subtle"
	"errors"
	"io"
	"net/http"

	"github.com/dunglas/httpsfv"
)

// digestField is the field that binds the body to a signature (RFC 9530).
const digestField = "Content-Digest"

// digests are the algorithms that count; others in the field are passed over.
var digests = map[string]func([]byte) []byte{
	"sha-256": func(b []byte) []byte { sum := sha256.Sum256(b); return sum[:] },
	"sha-512": func(b []byte) []byte { sum := sha512.Sum512(b); return sum[:] },
}

// digestOf writes the field for a body.
func digestOf(body []byte) string {
	d := httpsfv.NewDictionary()
	d.Add("sha-256", httpsfv.NewItem(digests["sha-256"](body)))
	text, err := httpsfv.Marshal(d)
	if err != nil {
		panic(err) // byte sequences can always be written
	}
	return text
}

// checkDigest holds a body against the field: each digest that counts must be right,
// and there must be one.
func checkDigest(lines []string, body []byte) *Error {
	dict, err := dictionary(digestField, lines)
	if err != nil {
		return err
	}
	known := 0
	for _, name := range dict.Names() {
		sum := digests[name]
		if sum == nil {
			continue
		}
		known++
		member, _ := dict.Get(name)
		item, _ := member.(httpsfv.Item)
		want, ok := item.Value.([]byte)
		if !ok {
			return refuse(Malformed, "%s: %s is no byte sequence (:…:)", digestField, name)
		}
		if subtle.ConstantTimeCompare(want, sum(body)) != 1 {
			return refuse(Digest, "the body is not the one that was signed: its %s is another", name)
		}
	}
	if known == 0 {
		return refuse(Digest, "%s has neither sha-256 nor sha-512: send one", digestField)
	}
	return nil
}

// readBody reads the body of r and gives it back, to be read again.
func readBody(r *http.Request, most int64) ([]byte, *Error) {
	if r.Body == nil || r.Body == http.NoBody {
		return nil, nil
	}
	data, err := io.ReadAll(io.LimitReader(r.Body, most+1))
	var tooLarge *http.MaxBytesError
	switch {
	case errors.As(err, &tooLarge):
		return nil, refuse(TooLarge, "the body may have %d bytes: send less", tooLarge.Limit).because(err)
	case err != nil:
		return nil, refuse(Broken, "the body broke off: send it again").because(err)
	case int64(len(data)) > most:
		return nil, refuse(TooLarge, "the body may have %d bytes: send less", most)
	}
	r.Body = &readAgain{Reader: bytes.NewReader(data), first: r.Body}
	return data, nil
}

// readAgain is a body that has been read.
type readAgain struct {
	*bytes.Reader
	first io.Closer
}

func (b *readAgain) Close() error { return b.first.Close() }
