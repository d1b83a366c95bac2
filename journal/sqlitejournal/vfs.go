package sqlitejournal

import (
	"fmt"
	"sync"
	"time"
	"unsafe"

	"modernc.org/libc"
	sqlite3 "modernc.org/sqlite/lib"
)

// vfsName is SQLite's own VFS with three methods of ours, for the connections that write beside
// the commits: a sync, a pause while another connection writes and a checkpoint of thousands of pages
// each would keep a thread, and with it one of Go's places for running goroutines, for up to
// tens of milliseconds; and SQLite writes its log in small pieces (see gathered). Files opened through both are the same files to SQLite, locks included.
//
// A VFS belongs to the process, like SQLite's list of them, so this one is no part of a Journal.
const vfsName = "dashwire"

// registerVFS makes SQLite know it, once.
var registerVFS = sync.OnceValue(func() error {
	tls := libc.NewTLS()
	defer tls.Close()
	base := sqlite3.Xsqlite3_vfs_find(tls, 0)
	name, err := libc.CString(vfsName)
	if err != nil {
		return err
	}
	p := libc.Xmalloc(tls, libc.Tsize_t(unsafe.Sizeof(sqlite3.Tsqlite3_vfs{})))
	if base == 0 || p == 0 {
		return fmt.Errorf("SQLite has no VFS to stand on, or no memory")
	}
	v := at[sqlite3.Tsqlite3_vfs](p)
	*v = *at[sqlite3.Tsqlite3_vfs](base)
	v.FpNext, v.FzName = 0, name
	v.FpAppData = base
	v.FxOpen = pointer(vfsOpen)
	v.FxSleep = pointer(vfsSleep)
	if rc := sqlite3.Xsqlite3_vfs_register(tls, p, 0); rc != sqlite3.SQLITE_OK {
		return fmt.Errorf("SQLite does not take the VFS: code %d", rc)
	}
	return nil
})

// vfsFiles holds what is open through the VFS, by SQLite's sqlite3_file. SQLite hands its methods nothing
// else that could lead to an owner.
var vfsFiles = &fileTable{methods: make(map[uintptr]uintptr)}

type fileTable struct {
	open sync.Map // uintptr → *vfsFile

	mu      sync.Mutex
	methods map[uintptr]uintptr // of the VFS below → with ours in it; few, and kept
}

// vfsFile is an open file. SQLite uses it from one goroutine at a time.
type vfsFile struct {
	methods uintptr                      // of the VFS that it stands on,
	below   *sqlite3.Tsqlite3_io_methods // these
	name    string
	pace    pace
	sync    backgroundSync

	wal      bool // it is the write-ahead log
	gathered gathered
}

// at is what SQLite points to: its memory is not Go's.
func at[T any](p uintptr) *T { return *(**T)(unsafe.Pointer(&p)) }

// pointer makes a Go function one of C as SQLite's translation calls it. It must be no closure, which
// nothing would keep.
func pointer[F any](f F) uintptr { return *(*uintptr)(unsafe.Pointer(&f)) }

// function is the reverse of pointer.
func function[F any](p uintptr) F { return *(*F)(unsafe.Pointer(&p)) }

func vfsOpen(tls *libc.TLS, vfs, name, file uintptr, flags int32, outFlags uintptr) int32 {
	base := at[sqlite3.Tsqlite3_vfs](vfs).FpAppData
	open := function[func(*libc.TLS, uintptr, uintptr, uintptr, int32, uintptr) int32](at[sqlite3.Tsqlite3_vfs](base).FxOpen)
	rc := open(tls, base, name, file, flags, outFlags)
	f := at[sqlite3.Tsqlite3_file](file)
	if rc != sqlite3.SQLITE_OK || f.FpMethods == 0 || flags&(sqlite3.SQLITE_OPEN_MAIN_DB|sqlite3.SQLITE_OPEN_WAL) == 0 {
		return rc
	}
	ours := vfsFiles.methodsOver(tls, f.FpMethods)
	if ours == 0 {
		return rc // without ours, then
	}
	vfsFiles.open.Store(file, &vfsFile{
		methods: f.FpMethods, below: at[sqlite3.Tsqlite3_io_methods](f.FpMethods),
		name: libc.GoString(name), wal: flags&sqlite3.SQLITE_OPEN_WAL != 0,
	})
	f.FpMethods = ours
	return rc
}

// methodsOver gives the methods of a file with ours in it, 0 if there is no memory.
func (t *fileTable) methodsOver(tls *libc.TLS, below uintptr) uintptr {
	t.mu.Lock()
	defer t.mu.Unlock()
	if p, ok := t.methods[below]; ok {
		return p
	}
	p := libc.Xmalloc(tls, libc.Tsize_t(unsafe.Sizeof(sqlite3.Tsqlite3_io_methods{})))
	if p == 0 {
		return 0
	}
	m := at[sqlite3.Tsqlite3_io_methods](p)
	*m = *at[sqlite3.Tsqlite3_io_methods](below)
	m.FxWrite = pointer(vfsWrite)
	m.FxSync = pointer(vfsSync)
	m.FxClose = pointer(vfsClose)
	t.methods[below] = p
	return p
}

func (t *fileTable) get(file uintptr) *vfsFile {
	v, _ := t.open.Load(file)
	f, _ := v.(*vfsFile)
	return f
}

// vfsWrite gives way to others between pages.
func vfsWrite(tls *libc.TLS, file, data uintptr, n int32, offset int64) int32 {
	f := vfsFiles.get(file)
	f.pace.step()
	if f.wal {
		return f.writeFrames(tls, file, data, n, offset)
	}
	return f.write(tls, file, data, n, offset)
}

// write is that of the VFS below.
func (f *vfsFile) write(tls *libc.TLS, file, data uintptr, n int32, offset int64) int32 {
	return function[func(*libc.TLS, uintptr, uintptr, int32, int64) int32](f.below.FxWrite)(tls, file, data, n, offset)
}

// vfsSync syncs without a thread that waits, where the system does that.
func vfsSync(tls *libc.TLS, file uintptr, flags int32) int32 {
	f := vfsFiles.get(file)
	if done, rc := f.sync.try(file); done {
		return rc
	}
	return function[func(*libc.TLS, uintptr, int32) int32](f.below.FxSync)(tls, file, flags)
}

func vfsClose(tls *libc.TLS, file uintptr) int32 {
	f := vfsFiles.get(file)
	f.sync.close()
	vfsFiles.open.Delete(file)
	at[sqlite3.Tsqlite3_file](file).FpMethods = f.methods
	return function[func(*libc.TLS, uintptr) int32](f.below.FxClose)(tls, file)
}

// vfsSleep is how SQLite waits for another connection's lock.
func vfsSleep(_ *libc.TLS, _ uintptr, microseconds int32) int32 {
	time.Sleep(time.Duration(microseconds) * time.Microsecond)
	return microseconds
}
