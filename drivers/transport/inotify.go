package transport

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// notifier hears from the kernel which files of one folder were closed after writing or moved in. fsnotify, the usual
// library, does not pass on that event, and it is the one that says a file is whole.
type notifier struct {
	file *os.File
	buf  [16 << 10]byte
}

// newNotifier begins to watch a folder. File systems without inotify give a notifier that hears nothing.
func newNotifier(dir string) (*notifier, error) {
	fd, err := unix.InotifyInit1(unix.IN_CLOEXEC | unix.IN_NONBLOCK)
	if err != nil {
		return nil, err
	}
	if _, err := unix.InotifyAddWatch(fd, dir, unix.IN_CLOSE_WRITE|unix.IN_MOVED_TO); err != nil {
		return nil, errors.Join(err, unix.Close(fd))
	}
	return &notifier{file: os.NewFile(uintptr(fd), "inotify")}, nil
}

func (n *notifier) close() { n.file.Close() }

// wait returns when files were announced, whose names it adds to whole, when d has passed, or when ctx ended, with
// its error. One read gives several events (inotify(7)):
//
//	watch  4  mask 4  cookie 4  length 4   native byte order
//	name   length bytes, filled up with zeros
func (n *notifier) wait(ctx context.Context, d time.Duration, whole map[string]bool) error {
	stop := context.AfterFunc(ctx, func() { n.file.SetReadDeadline(time.Unix(1, 0)) })
	defer stop()
	if err := n.file.SetReadDeadline(time.Now().Add(d)); err != nil {
		return err
	}
	if err := ctx.Err(); err != nil { // it ended between AfterFunc and the deadline above
		return err
	}
	size, err := n.file.Read(n.buf[:])
	if errors.Is(err, os.ErrDeadlineExceeded) {
		return ctx.Err()
	}
	if err != nil {
		return err
	}
	for b := n.buf[:size]; len(b) >= unix.SizeofInotifyEvent; {
		end := unix.SizeofInotifyEvent + int(binary.NativeEndian.Uint32(b[12:]))
		name := string(bytes.TrimRight(b[unix.SizeofInotifyEvent:end], "\x00"))
		if name != "" {
			whole[name] = true
		}
		b = b[end:]
	}
	return nil
}
