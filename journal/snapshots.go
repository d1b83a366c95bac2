package journal

// SnapshotSpacing is how close together, in positions, a driver need keep the newest
// snapshots of a log: of those in [n·SnapshotSpacing, (n+1)·SnapshotSpacing) at least
// the newest (A5). So it does for SnapshotsNear of these spans before that of the newest
// snapshot; of those before, it need keep the oldest of all, which a trimmed log begins
// with, and the newest of every SnapshotSpacingFar positions. What is far back is rarely
// looked at, and snapshots would outgrow their log.
const (
	SnapshotSpacing    = 1000
	SnapshotsNear      = 20
	SnapshotSpacingFar = 10 * SnapshotSpacing
)

// SpareSnapshots tells which snapshots of a log need not be kept. The positions of all are
// given in order, and the result is in order too.
func SpareSnapshots(all []Position) (spare []Position) {
	if len(all) == 0 {
		return nil
	}
	near := Position(0) // where the narrow spans begin
	if span := all[len(all)-1] / SnapshotSpacing; span > SnapshotsNear {
		near = (span - SnapshotsNear) * SnapshotSpacing
	}
	for i, p := range all[:len(all)-1] {
		next := all[i+1]
		switch {
		case p >= near:
			if p/SnapshotSpacing == next/SnapshotSpacing {
				spare = append(spare, p)
			}
		case i > 0 && next < near && p/SnapshotSpacingFar == next/SnapshotSpacingFar:
			spare = append(spare, p)
		}
	}
	return spare
}
