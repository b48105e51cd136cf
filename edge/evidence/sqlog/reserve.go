package sqlog

import (
	"errors"
	"os"
	"path/filepath"
)

// reserveFile is disk space kept back: SQLite needs 32 KiB for its shared memory before it opens a database, and on a disk
// that others have filled there would be none, so that the agent could not even start to say what is wrong.
const (
	reserveFile  = "reserve"
	reserveBytes = 1 << 20
	reserveStep  = 64 << 10
)

// FillReserve makes the reserve as large as the disk allows, and durable: after a power cut the disk
// may be full, and it is needed then. What is missing comes at a later start; errors do no harm.
func FillReserve(dir string) {
	f, err := os.OpenFile(filepath.Join(dir, reserveFile), os.O_CREATE|os.O_WRONLY, 0o640)
	if err != nil {
		return
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return
	}
	if info.Size() >= reserveBytes {
		return
	}
	defer func() { _ = errors.Join(f.Sync(), SyncDir(dir)) }() // before the file is closed
	zeros := make([]byte, reserveStep)
	for at := info.Size() / reserveStep * reserveStep; at < reserveBytes; at += reserveStep {
		if _, err := f.WriteAt(zeros, at); err != nil {
			return
		}
	}
}

// OpenWithReserve runs open, which opens a database in dir. When that fails it deletes the reserve
// and runs open again, as the disk may be full. Afterwards it fills the reserve again.
func OpenWithReserve(dir string, open func() error) error {
	defer FillReserve(dir)
	err := open()
	if err == nil {
		return nil
	}
	if gone := os.Remove(filepath.Join(dir, reserveFile)); gone != nil {
		if errors.Is(gone, os.ErrNotExist) {
			return err
		}
		return errors.Join(err, gone)
	}
	return open()
}
