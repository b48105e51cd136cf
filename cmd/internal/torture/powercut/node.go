package powercut

import (
	"context"
	"maps"
	"slices"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/hanwen/go-fuse/v2/fs"
	"github.com/hanwen/go-fuse/v2/fuse"
)

// node answers the kernel's requests for an inode. Files are opened without a handle of their own: all is in the
// inode.
type node struct {
	fs.Inode
	volume *volume
	inode  *inode
	syncs  *atomic.Int64
}

var (
	_ fs.NodeLookuper    = (*node)(nil)
	_ fs.NodeReaddirer   = (*node)(nil)
	_ fs.NodeCreater     = (*node)(nil)
	_ fs.NodeMkdirer     = (*node)(nil)
	_ fs.NodeUnlinker    = (*node)(nil)
	_ fs.NodeRmdirer     = (*node)(nil)
	_ fs.NodeRenamer     = (*node)(nil)
	_ fs.NodeOpener      = (*node)(nil)
	_ fs.NodeReader      = (*node)(nil)
	_ fs.NodeWriter      = (*node)(nil)
	_ fs.NodeFsyncer     = (*node)(nil)
	_ fs.NodeGetattrer   = (*node)(nil)
	_ fs.NodeSetattrer   = (*node)(nil)
	_ fs.NodeStatfser    = (*node)(nil)
	_ fs.NodeOnForgetter = (*node)(nil)
)

// locked does something with the volume, which fails after a cut.
func (n *node) locked(f func() syscall.Errno) syscall.Errno {
	n.volume.mu.Lock()
	defer n.volume.mu.Unlock()
	if n.volume.dead {
		return syscall.EIO
	}
	return f()
}

// child is what the kernel is told of an inode in this directory.
func (n *node) child(ctx context.Context, i *inode, out *fuse.EntryOut) *fs.Inode {
	i.attributes(&out.Attr)
	return n.NewInode(ctx, &node{volume: n.volume, inode: i, syncs: n.syncs},
		fs.StableAttr{Mode: i.mode & syscall.S_IFMT, Ino: i.number})
}

func (i *inode) attributes(out *fuse.Attr) {
	out.Ino, out.Mode, out.Nlink, out.Blksize = i.number, i.mode, 1, pageSize
	out.Owner = fuse.Owner{Uid: i.uid, Gid: i.gid}
	out.SetTimes(&i.changed, &i.changed, &i.changed)
	if i.content != nil {
		out.Size, out.Blocks = uint64(i.content.live.size), uint64(len(i.content.live.pages))*pageSize/sectorSize
	}
}

// Lookup finds a name.
func (n *node) Lookup(ctx context.Context, name string, out *fuse.EntryOut) (child *fs.Inode, errno syscall.Errno) {
	errno = n.locked(func() syscall.Errno {
		i := n.inode.names[name]
		if i == nil {
			return syscall.ENOENT
		}
		child = n.child(ctx, i, out)
		return 0
	})
	return child, errno
}

// Readdir lists the names.
func (n *node) Readdir(context.Context) (stream fs.DirStream, errno syscall.Errno) {
	errno = n.locked(func() syscall.Errno {
		var list []fuse.DirEntry
		for _, name := range slices.Sorted(maps.Keys(n.inode.names)) {
			i := n.inode.names[name]
			list = append(list, fuse.DirEntry{Name: name, Mode: i.mode, Ino: i.number})
		}
		stream = fs.NewListDirStream(list)
		return 0
	})
	return stream, errno
}

// add makes a file or a directory.
func (n *node) add(ctx context.Context, name string, mode uint32, out *fuse.EntryOut) (*fs.Inode, syscall.Errno) {
	var child *fs.Inode
	errno := n.locked(func() syscall.Errno {
		switch {
		case n.inode.names[name] != nil:
			return syscall.EEXIST
		case n.volume.used >= n.volume.limit:
			return syscall.ENOSPC
		}
		i := n.volume.newInode(mode)
		if caller, ok := fuse.FromContext(ctx); ok {
			i.uid, i.gid = caller.Uid, caller.Gid
		}
		n.volume.do(operation{{n.inode, name, i}})
		child = n.child(ctx, i, out)
		return 0
	})
	return child, errno
}

// Create makes a file.
func (n *node) Create(ctx context.Context, name string, _, mode uint32, out *fuse.EntryOut) (*fs.Inode, fs.FileHandle,
	uint32, syscall.Errno) {
	child, errno := n.add(ctx, name, fuse.S_IFREG|mode&0o7777, out)
	return child, nil, fuse.FOPEN_KEEP_CACHE, errno
}

// Mkdir makes a directory.
func (n *node) Mkdir(ctx context.Context, name string, mode uint32, out *fuse.EntryOut) (*fs.Inode, syscall.Errno) {
	return n.add(ctx, name, fuse.S_IFDIR|mode&0o7777, out)
}

// Unlink removes a file's name.
func (n *node) Unlink(_ context.Context, name string) syscall.Errno {
	return n.locked(func() syscall.Errno {
		if n.inode.names[name] == nil {
			return syscall.ENOENT
		}
		n.volume.do(operation{{n.inode, name, nil}})
		return 0
	})
}

// Rmdir removes an empty directory.
func (n *node) Rmdir(_ context.Context, name string) syscall.Errno {
	return n.locked(func() syscall.Errno {
		switch i := n.inode.names[name]; {
		case i == nil:
			return syscall.ENOENT
		case len(i.names) > 0:
			return syscall.ENOTEMPTY
		}
		n.volume.do(operation{{n.inode, name, nil}})
		return 0
	})
}

// Rename gives an inode another name, and takes that name from whatever had it.
func (n *node) Rename(_ context.Context, name string, to fs.InodeEmbedder, newName string, flags uint32) syscall.Errno {
	return n.locked(func() syscall.Errno {
		dir := to.(*node).inode
		i, old := n.inode.names[name], dir.names[newName]
		switch {
		case i == nil:
			return syscall.ENOENT
		case flags == 1 && old != nil: // RENAME_NOREPLACE
			return syscall.EEXIST
		case flags > 1:
			return syscall.EINVAL
		case old != nil && len(old.names) > 0:
			return syscall.ENOTEMPTY
		case old == i:
			return 0
		}
		n.volume.do(operation{{n.inode, name, nil}, {dir, newName, i}})
		return 0
	})
}

// Open lets the kernel keep the file's pages, as it does of any disk; it writes each one through.
func (n *node) Open(context.Context, uint32) (fs.FileHandle, uint32, syscall.Errno) {
	return nil, fuse.FOPEN_KEEP_CACHE, n.locked(func() syscall.Errno { return 0 })
}

// Read reads from what programs see.
func (n *node) Read(_ context.Context, _ fs.FileHandle, dest []byte, off int64) (fuse.ReadResult, syscall.Errno) {
	read := 0
	errno := n.locked(func() syscall.Errno {
		read = n.inode.content.read(dest, off)
		return 0
	})
	return fuse.ReadResultData(dest[:read]), errno
}

// Write writes what a cut may take.
func (n *node) Write(_ context.Context, _ fs.FileHandle, data []byte, off int64) (uint32, syscall.Errno) {
	errno := n.locked(func() syscall.Errno {
		added, errno := n.inode.content.write(data, off, n.volume.limit-n.volume.used)
		n.volume.used += added
		if errno == 0 {
			n.inode.changed = time.Now()
		}
		return errno
	})
	if errno != 0 {
		return 0, errno
	}
	return uint32(len(data)), 0
}

// Fsync makes a file's bytes and size, or a directory's names, durable.
func (n *node) Fsync(context.Context, fs.FileHandle, uint32) syscall.Errno {
	return n.locked(func() syscall.Errno {
		n.syncs.Add(1)
		if n.inode.isDir() {
			n.volume.syncDir(n.inode)
		} else {
			n.inode.content.sync()
		}
		return 0
	})
}

// Getattr tells kind, size and times.
func (n *node) Getattr(_ context.Context, _ fs.FileHandle, out *fuse.AttrOut) syscall.Errno {
	return n.locked(func() syscall.Errno {
		n.inode.attributes(&out.Attr)
		return 0
	})
}

// Setattr sets size, permissions, owner and time. Only the size waits for a sync.
func (n *node) Setattr(_ context.Context, _ fs.FileHandle, in *fuse.SetAttrIn, out *fuse.AttrOut) syscall.Errno {
	return n.locked(func() syscall.Errno {
		i := n.inode
		if size, ok := in.GetSize(); ok {
			if i.content == nil {
				return syscall.EISDIR
			}
			n.volume.used -= i.content.resize(int64(size))
			i.changed = time.Now()
		}
		if mode, ok := in.GetMode(); ok {
			i.mode = i.mode&syscall.S_IFMT | mode&0o7777
		}
		if uid, ok := in.GetUID(); ok {
			i.uid = uid
		}
		if gid, ok := in.GetGID(); ok {
			i.gid = gid
		}
		if t, ok := in.GetMTime(); ok {
			i.changed = t
		}
		i.attributes(&out.Attr)
		return 0
	})
}

// Statfs tells the room.
func (n *node) Statfs(_ context.Context, out *fuse.StatfsOut) syscall.Errno {
	used, limit := n.volume.usage()
	out.Bsize, out.Frsize, out.NameLen = pageSize, pageSize, 255
	out.Blocks, out.Bfree, out.Bavail = uint64(limit), uint64(max(0, limit-used)), uint64(max(0, limit-used))
	return 0
}

// OnForget: the kernel has no more use for the inode.
func (n *node) OnForget() { n.volume.forget(n.inode) }
