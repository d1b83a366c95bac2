package sqlitestore

import (
	"context"

	"github.com/dashwire/dashwire/internal/sqlitefile"
	"github.com/dashwire/dashwire/webhook"
)

// kind is what the file is: its id says "Dwhk".
var kind = sqlitefile.Kind{
	Name: "webhook store", ApplicationID: 0x4477686b, Format: 1, Schema: schema,
	Otherwise: "targets begin anew",
}

const schema = `
CREATE TABLE targets (
  name TEXT PRIMARY KEY, dashboards TEXT NOT NULL, address TEXT NOT NULL,
  since INTEGER NOT NULL, unused INTEGER NOT NULL, disabled INTEGER NOT NULL
) WITHOUT ROWID;
CREATE TABLE cursors (
  target TEXT NOT NULL, dashboard TEXT NOT NULL,
  position INTEGER NOT NULL, epoch TEXT NOT NULL, version INTEGER NOT NULL, sum INTEGER NOT NULL,
  through INTEGER NOT NULL, attempts INTEGER NOT NULL, first_at INTEGER NOT NULL, next_at INTEGER NOT NULL,
  since INTEGER NOT NULL, status INTEGER NOT NULL, error TEXT NOT NULL,
  PRIMARY KEY (target, dashboard)
) WITHOUT ROWID;
CREATE INDEX retries ON cursors (target, next_at) WHERE next_at > 0;
CREATE TABLE dead (
  number INTEGER PRIMARY KEY AUTOINCREMENT,
  target TEXT NOT NULL, id TEXT NOT NULL, type TEXT NOT NULL, dashboard TEXT NOT NULL,
  epoch TEXT NOT NULL, after INTEGER NOT NULL, version INTEGER NOT NULL,
  attempts INTEGER NOT NULL, first_at INTEGER NOT NULL, last_at INTEGER NOT NULL,
  status INTEGER NOT NULL, error TEXT NOT NULL, requested INTEGER NOT NULL, body BLOB NOT NULL,
  UNIQUE (target, id)
);
CREATE INDEX requested ON dead (target, number) WHERE requested = 1;
`

// Store is a webhook.Store in one file.
type Store struct{ db *sqlitefile.File }

var _ webhook.Store = (*Store)(nil)

// Open opens the file at path, making it if there is none. Its errors say what to do.
// Beside the file lies path-wal, which belongs to it.
func Open(ctx context.Context, path string) (*Store, error) {
	db, err := sqlitefile.Open(ctx, path, kind)
	if err != nil {
		return nil, err
	}
	return &Store{db}, nil
}

// Close gives the file back. Calls that are under way are waited for.
func (s *Store) Close() error { return s.db.Close() }
