package httpapi

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"encoding/base64"
	"strings"

	"github.com/dashwire/dashwire/board"
)

// Pages of lists.
const (
	pageDefault = 50
	pageMax     = 200
)

// pageCursor says where a page ended: the id after which the next one begins.
func pageCursor(afterID string) string {
	return base64.RawURLEncoding.EncodeToString([]byte(afterID))
}

// scanCursor says how far the looking for a page has gone, seen being the last id that
// the user may see and reached one that the user may not even hear of (R6). That one is
// sealed, and padded so that its length tells nothing. Where the seal cannot be broken,
// as after a restart, the next page begins after seen again.
func (a *API) scanCursor(seen, reached string) string {
	nonce := make([]byte, a.seal.NonceSize())
	_, _ = rand.Read(nonce) // never fails, see its documentation
	plain := make([]byte, board.MaxID)
	copy(plain, reached)
	text := append([]byte(seen), 0)
	return base64.RawURLEncoding.EncodeToString(a.seal.Seal(append(text, nonce...), nonce, plain, nil))
}

// readCursor is what pageCursor or scanCursor wrote.
func (a *API) readCursor(s string) (seen, reached string, ok bool) {
	plain, err := base64.RawURLEncoding.DecodeString(s)
	if err != nil {
		return "", "", false
	}
	seen, sealed, scanned := strings.Cut(string(plain), "\x00")
	if n := a.seal.NonceSize(); scanned && len(sealed) > n {
		if id, err := a.seal.Open(nil, []byte(sealed[:n]), []byte(sealed[n:]), nil); err == nil {
			return seen, strings.TrimRight(string(id), "\x00"), true
		}
	}
	return seen, seen, scanned && seen == "" || board.CheckID("dashboard", seen) == nil
}

// newSeal makes what hides cursors, with a key that nobody else has.
func newSeal() cipher.AEAD {
	key := make([]byte, 32)
	_, _ = rand.Read(key) // never fails, see its documentation
	block, err := aes.NewCipher(key)
	if err != nil {
		panic(err) // the key has a length that AES knows
	}
	seal, err := cipher.NewGCM(block)
	if err != nil {
		panic(err) // AES has the block size that GCM needs
	}
	return seal
}

// page reads limit and cursor: the last id of the page before, and how far that went.
func (q *request) page() (seen, reached string, limit int, p *problem) {
	if limit, p = q.number("limit", 1, pageMax, pageDefault); p != nil {
		return "", "", 0, p
	}
	s := q.query().Get("cursor")
	if s == "" {
		return "", "", limit, nil
	}
	seen, reached, ok := q.api.readCursor(s)
	if !ok {
		return "", "", 0, problemf(board.CodeBadMessage, "cursor is the next of the page before: send it back as it came").at("cursor")
	}
	return seen, reached, limit, nil
}
