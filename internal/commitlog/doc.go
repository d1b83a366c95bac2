// Package commitlog keeps commits, each some bytes, in order in a folder of files that
// are written nowhere but at the end, one durable write for each commit.
//
//	l, err := commitlog.Open(dir, "name of the owner", 0, commitlog.Options{}, replay)
//	seq, err := l.Append(payload) // on the disk when it returns
//	l.Release(seq)                // no longer needed up to here: the space is used again
//
// The files, called segments, are filled with zeros when they are made and used again
// when all that they hold is released, so that a commit changes no size and no
// allocation of a file: syncing it is one write to the disk.
//
// A segment begins with a head of 40 bytes, followed by frames, each of a head of 32
// bytes and the payload, to a multiple of 8. Numbers are little-endian, checksums are
// CRC-32C:
//
//	segment  0 "DWlog1\r\n"  8 salt  16 first sequence number  24 owner  32 checksum of 0…32  36 zero
//	frame    0 checksum of 4…32  4 checksum of the payload  8 sequence number  16 salt  24 bytes of payload  28 zero
//
// Sequence numbers count commits from 1 and never skip. The salt is random for each use of a
// segment: what an earlier use has left behind, or what somebody has put into a
// payload, is never taken for a frame. The last frame may be torn by a crash; a frame that
// is no good although a good one follows is damage, and so is a segment whose head cannot be
// read while a frame in it is needed.
package commitlog
