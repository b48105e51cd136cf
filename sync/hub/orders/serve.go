package orders

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"lanewarden/sync/wire"
	"lanewarden/sync/wire/layout"
)

// Answer answers an agent's Get from the files as they are now. What is for other sites is not there for it.
func (r *Repository) Answer(site string, get *wire.Get) (*wire.Part, error) {
	part := &wire.Part{Tag: get.Tag, Name: get.Name, Offset: get.Offset}
	if !layout.Serves(get.Name, site) {
		part.Missing = true
		return part, nil
	}
	f, err := os.Open(filepath.Join(r.dir, filepath.FromSlash(get.Name)))
	if errors.Is(err, fs.ErrNotExist) {
		part.Missing = true
		return part, nil
	}
	if err != nil {
		return nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	part.Total = info.Size()
	if get.Offset < 0 || get.Offset > part.Total {
		return part, nil
	}
	part.Data = make([]byte, min(int64(min(get.Limit, wire.MaxChunk)), part.Total-get.Offset))
	n, err := f.ReadAt(part.Data, get.Offset)
	if errors.Is(err, io.EOF) {
		err = nil
	}
	part.Data = part.Data[:n]
	return part, err
}

// keepPeriod is how often is looked whether something is to be renewed, or has changed.
const keepPeriod = 10 * time.Second

// Keep renews timestamp and snapshot before they end, and calls changed when the repository has changed, until ctx
// ends. A repository that is not there yet may come. It returns nil.
func (r *Repository) Keep(ctx context.Context, log *slog.Logger, changed func()) error {
	var seen time.Time
	for ctx.Err() == nil {
		if err := r.RenewOnline(); err != nil {
			log.Error("the repository of orders cannot be renewed: lanes will take nothing new when it ends", "err", err)
		}
		if info, err := os.Stat(filepath.Join(r.dir, layout.Timestamp)); err == nil && !info.ModTime().Equal(seen) {
			if !seen.IsZero() {
				changed()
			}
			seen = info.ModTime()
		}
		_ = wire.Pause(ctx, keepPeriod) // an end of ctx ends the loop
	}
	return nil
}

// RenewOnline signs timestamp and snapshot again when they end soon, or when their key was exchanged.
func (r *Repository) RenewOnline() error {
	if !r.Exists() {
		return nil
	}
	unlock, err := r.lock()
	if err != nil {
		return err
	}
	defer unlock()
	c, err := r.current()
	if err != nil {
		return err
	}
	now := r.now()
	switch {
	case c.snapshot.Signed.Expires.Before(now.Add(renewSnapshot)) || c.root.VerifyDelegate(snapshotKey, c.snapshot) != nil:
		return r.publish(c, c)
	case c.timestamp.Signed.Expires.Before(now.Add(renewBefore)) || c.root.VerifyDelegate(timestampKey, c.timestamp) != nil:
		return r.writeTimestamp(c.root, c.timestamp, c.snapshot.Signed.Version)
	}
	return nil
}
