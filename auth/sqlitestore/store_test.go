package sqlitestore_test

import (
	"context"
	"errors"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"go.uber.org/goleak"

	"github.com/dashwire/dashwire/auth"
	"github.com/dashwire/dashwire/auth/sqlitestore"
	"github.com/dashwire/dashwire/internal/sqlitefile/sqlitefiletest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func open(t *testing.T, path string) *sqlitestore.Store {
	t.Helper()
	s, err := sqlitestore.Open(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() }) // again, where a test has closed it
	return s
}

func at(second int) time.Time { return time.Unix(1_800_000_000+int64(second), 0) }

// holds holds what is remembered against want.
func holds(t *testing.T, s *sqlitestore.Store, want ...auth.Revocation) {
	t.Helper()
	got, err := s.Revocations(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	order := cmpopts.SortSlices(func(a, b auth.Revocation) bool { return a.UserID+" "+a.TokenID < b.UserID+" "+b.TokenID })
	if diff := cmp.Diff(want, got, order, cmpopts.EquateEmpty()); diff != "" {
		t.Errorf("remembered (-want +got):\n%s", diff)
	}
}

func TestC3_TheStoreRemembersOverAReopen(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a file with % and ?.db")
	s := open(t, path)
	holds(t, s)
	list := []auth.Revocation{
		{UserID: "ana", At: at(1).Add(1)}, // rounded up: a token of just then stays revoked
		{TokenID: "ana", At: at(2), Ends: at(50)},
		{TokenID: "it's \x00 ü", At: at(3)},
		{UserID: "bo", At: at(9)},
		{UserID: "bo", At: at(4), Ends: at(60)}, // an older one from another node
		{TokenID: "t", At: at(5), Ends: at(70)},
		{TokenID: "t", At: at(6)},
	}
	for _, part := range [][]auth.Revocation{list[:1], nil, list[1:]} {
		if err := s.Revoke(t.Context(), part...); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s = open(t, path)
	ana := auth.Revocation{UserID: "ana", At: at(1).Add(time.Millisecond)}
	strange := auth.Revocation{TokenID: "it's \x00 ü", At: at(3)}
	bo, token := auth.Revocation{UserID: "bo", At: at(9), Ends: at(60)}, auth.Revocation{TokenID: "t", At: at(6), Ends: at(70)}
	holds(t, s, ana, auth.Revocation{TokenID: "ana", At: at(2), Ends: at(50)}, strange, bo, token)

	if n, err := s.Expire(t.Context(), at(60)); n != 1 || err != nil {
		t.Errorf("%d have ended, %v", n, err)
	}
	holds(t, s, ana, strange, bo, token)
	if n, err := s.Expire(t.Context(), at(1000)); n != 2 || err != nil {
		t.Errorf("%d have ended, %v", n, err)
	}
	holds(t, s, ana, strange)
}

func TestC3_TheStoreKnowsSinceWhenAKeyIs(t *testing.T) {
	path := filepath.Join(t.TempDir(), "keys.db")
	s := open(t, path)
	seen := func(name string, now, want time.Time) {
		t.Helper()
		if got, err := s.KeySeen(t.Context(), name, now); !got.Equal(want) || err != nil {
			t.Errorf("%s is known since %v, want %v: %v", name, got, want, err)
		}
	}
	seen("a", at(1), at(1))
	seen("b", at(2), at(2))
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s = open(t, path)
	seen("a", at(9), at(1))
	seen("c", at(9), at(9))
}

func TestC3_TheStoreIsAFile(t *testing.T) {
	sqlitefiletest.Run(t, sqlitestore.Open, func(ctx context.Context, s *sqlitestore.Store) error {
		_, err := s.KeySeen(ctx, "key", at(1))
		return errors.Join(err, s.Revoke(ctx, auth.Revocation{UserID: "ana", At: at(1)}))
	}, "revoke again what was revoked")
}
