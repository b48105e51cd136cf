// Package powercut is a disk in memory, mounted by FUSE, that forgets what was not synced: what programs write goes
// into pages that fsync and fdatasync make durable, and Cut leaves what a machine finds on its disk when power comes
// back. Names are durable when their directory was synced. A kill shows none of this: the kernel keeps a dead
// program's pages.
//
// The layer is strict where POSIX leaves room: syncing a file does not make its name durable, and of what was written
// since the last sync nothing, a beginning, or any of the pages may remain, the last of them torn between two
// sectors.
package powercut

import (
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"

	"github.com/hanwen/go-fuse/v2/fs"
	"github.com/hanwen/go-fuse/v2/fuse"
)

// Disk is one such disk. Its methods are for one goroutine; programs use the mount at the same time.
type Disk struct {
	path     string
	capacity int64 // pages
	volume   *volume
	server   *fuse.Server // nil when it is not mounted
	syncs    atomic.Int64
}

// New makes an empty disk of so many bytes, to be mounted at path, an empty directory.
func New(path string, sizeBytes int64) *Disk {
	capacity := (sizeBytes + pageSize - 1) / pageSize
	return &Disk{path: path, capacity: capacity, volume: newVolume(capacity)}
}

// Mount mounts the disk. It needs root and /dev/fuse.
func (d *Disk) Mount() error {
	keep := time.Second // of names and sizes in the kernel: only the mount changes them
	root := &node{volume: d.volume, inode: d.volume.root, syncs: &d.syncs}
	server, err := fs.Mount(d.path, root, &fs.Options{
		EntryTimeout: &keep, AttrTimeout: &keep,
		MountOptions: fuse.MountOptions{
			FsName: "powercut", Name: "powercut", DirectMount: true, DisableXAttrs: true, MaxWrite: 128 << 10,
		},
	})
	if err != nil {
		return fmt.Errorf("mounting %s: %w", d.path, err)
	}
	d.server = server
	return nil
}

// Unmount takes the disk away; nobody may have a file of it open. What is on it stays, synced or not.
func (d *Disk) Unmount() error {
	if d.server == nil {
		return nil
	}
	if err := d.server.Unmount(); err != nil {
		return fmt.Errorf("unmounting %s: %w", d.path, err)
	}
	d.server = nil
	return nil
}

// Lost is what a cut took.
type Lost struct {
	Pages int // that had been written and not synced, and are as before
	Torn  int // that had been written and not synced, and remain, whole or in part
	Names int // creations, renames and removals that were undone
}

// Cut takes the power: from now on every request fails, and what was not synced is gone, or torn as rng draws. Kill
// the programs that use the disk, then Unmount, and Mount it again: so the kernel keeps nothing of what is gone.
func (d *Disk) Cut(rng *rand.Rand) Lost {
	after, lost := d.volume.cut(rng)
	d.volume = after
	return lost
}

// Fill leaves no room on the disk: what needs more fails with ENOSPC until Free.
func (d *Disk) Fill() { d.volume.setLimit(-1) }

// Free gives the room of the disk back.
func (d *Disk) Free() { d.volume.setLimit(d.capacity) }

// Syncs counts the syncs of files and directories that reached the disk. None means that the programs do not sync, or
// that the kernel goes round the layer: then a cut shows nothing.
func (d *Disk) Syncs() int64 { return d.syncs.Load() }

// UsedBytes is what its files take.
func (d *Disk) UsedBytes() int64 {
	used, _ := d.volume.usage()
	return used * pageSize
}

// volume is the content of a disk between two cuts.
type volume struct {
	mu          sync.Mutex
	root        *inode
	dead        bool // after the cut
	limit, used int64
	lastIno     uint64
	pending     []operation // on names, not synced yet, in their order
}

func newVolume(limit int64) *volume {
	v := &volume{limit: limit}
	v.root = v.newInode(fuse.S_IFDIR | 0o755)
	return v
}

// setLimit sets how many pages there may be; -1 is as many as there are.
func (v *volume) setLimit(pages int64) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.limit = pages; pages < 0 {
		v.limit = v.used
	}
}

func (v *volume) usage() (used, limit int64) {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.used, v.limit
}
