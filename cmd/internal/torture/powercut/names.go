package powercut

import (
	"maps"
	"math/rand/v2"
	"slices"
	"syscall"
	"time"

	"github.com/hanwen/go-fuse/v2/fuse"
)

// inode is a file or a directory.
type inode struct {
	number   uint64
	mode     uint32 // kind and permissions
	uid, gid uint32
	changed  time.Time
	named    bool              // a directory has it, as programs see it
	content  *content          // of a file
	names    map[string]*inode // of a directory, as programs see it
	durable  map[string]*inode // of a directory, as a cut would leave it
}

// change is of one name in one directory. It then stands for an inode, or for nothing.
type change struct {
	dir  *inode
	name string
	to   *inode
}

// operation is a creation, a removal or a renaming: a cut leaves all of its changes or none.
type operation []change

func (v *volume) newInode(mode uint32) *inode {
	v.lastIno++
	i := &inode{number: v.lastIno, mode: mode, changed: time.Now()}
	if mode&syscall.S_IFMT == fuse.S_IFDIR {
		i.names, i.durable = map[string]*inode{}, map[string]*inode{}
	} else {
		i.content = newContent()
	}
	return i
}

func (i *inode) isDir() bool { return i.names != nil }

// do changes names as programs see them, and notes that they are to be synced.
func (v *volume) do(op operation) {
	for _, c := range op {
		if old := c.dir.names[c.name]; old != nil {
			old.named = false
		}
		if c.to == nil {
			delete(c.dir.names, c.name)
		} else {
			c.dir.names[c.name] = c.to
		}
		c.dir.changed = time.Now()
	}
	for _, c := range op { // one that was moved has lost its old name and has the new one
		if c.to != nil {
			c.to.named = true
		}
	}
	v.pending = append(v.pending, op)
}

// apply makes an operation durable.
func (op operation) apply() {
	for _, c := range op {
		if c.to == nil {
			delete(c.dir.durable, c.name)
		} else {
			c.dir.durable[c.name] = c.to
		}
	}
}

// syncDir makes the names of a directory durable, and the operations on other directories that theirs rest on: a file
// that was created there and moved here.
func (v *volume) syncDir(dir *inode) {
	dirs := map[*inode]bool{dir: true}
	due := make([]bool, len(v.pending))
	for at, op := range slices.Backward(v.pending) {
		due[at] = slices.ContainsFunc(op, func(c change) bool { return dirs[c.dir] })
		for _, c := range op {
			dirs[c.dir] = dirs[c.dir] || due[at]
		}
	}
	var left []operation
	for at, op := range v.pending {
		if due[at] {
			op.apply()
		} else {
			left = append(left, op)
		}
	}
	v.pending = left
}

// forget gives back the room of a file that has no name and that no program has open. What is durable of it stays: a
// cut undoes a removal that was not synced.
func (v *volume) forget(i *inode) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if !i.named && i.content != nil {
		v.used -= int64(len(i.content.live.pages))
		i.content.live.pages = nil
	}
}

// cut ends the volume and returns the one that is found when power is back. Of the operations that were not synced
// the first so many remain, as of a file system with a log.
func (v *volume) cut(rng *rand.Rand) (after *volume, lost Lost) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.dead = true
	remain := 0
	if rng.IntN(2) == 0 {
		remain = rng.IntN(len(v.pending) + 1)
	}
	for _, op := range v.pending[:remain] {
		op.apply()
	}
	lost.Names = len(v.pending) - remain
	after = &volume{limit: v.limit, lastIno: v.lastIno}
	after.root = after.restore(v.root, rng, &lost)
	return after, lost
}

// restore copies what is durable of a directory and all below it.
func (v *volume) restore(dir *inode, rng *rand.Rand, lost *Lost) *inode {
	out := &inode{number: dir.number, mode: dir.mode, uid: dir.uid, gid: dir.gid, changed: dir.changed, named: true}
	if !dir.isDir() {
		content, gone := dir.content.afterCut(rng)
		out.content = content
		v.used += int64(len(content.live.pages))
		lost.Pages, lost.Torn = lost.Pages+gone.Pages, lost.Torn+gone.Torn
		return out
	}
	out.names = map[string]*inode{}
	for _, name := range slices.Sorted(maps.Keys(dir.durable)) {
		out.names[name] = v.restore(dir.durable[name], rng, lost)
	}
	out.durable = maps.Clone(out.names)
	return out
}
