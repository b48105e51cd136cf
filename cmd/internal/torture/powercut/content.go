package powercut

import (
	"maps"
	"math/rand/v2"
	"syscall"
)

const (
	pageSize   = 4096
	sectorSize = 512 // what a disk writes whole
)

// page is part of a file. One that is durable as well is never written again: the next write makes another.
type page struct {
	data   [pageSize]byte
	shared bool
}

// image is a file's content at one moment. A page that is not in the map is zero.
type image struct {
	size  int64
	pages map[int64]*page
}

// content is what programs see of a file, and what a cut would leave of it.
type content struct {
	live, durable image
	dirty         []int64 // pages written or cut off since the last sync, in the order of their first change
	isDirty       map[int64]bool
}

func newContent() *content {
	return &content{live: image{pages: map[int64]*page{}}, durable: image{pages: map[int64]*page{}},
		isDirty: map[int64]bool{}}
}

// read copies what stands from off on and returns how many bytes there are.
func (c *content) read(dest []byte, off int64) int {
	n := int(max(0, min(int64(len(dest)), c.live.size-off)))
	for done := 0; done < n; {
		at := off + int64(done)
		part := dest[done:min(n, done+int(pageSize-at%pageSize))]
		if p := c.live.pages[at/pageSize]; p != nil {
			copy(part, p.data[at%pageSize:])
		} else {
			clear(part)
		}
		done += len(part)
	}
	return n
}

// write puts data at off. room is how many further pages there may be; added is how many there are.
func (c *content) write(data []byte, off, room int64) (added int64, errno syscall.Errno) {
	end := off + int64(len(data))
	for p := off / pageSize; p*pageSize < end; p++ {
		if c.live.pages[p] == nil {
			added++
		}
	}
	if added > room {
		return 0, syscall.ENOSPC
	}
	for len(data) > 0 {
		n := copy(c.writable(off / pageSize).data[off%pageSize:], data)
		data, off = data[n:], off+int64(n)
	}
	c.live.size = max(c.live.size, end)
	return added, 0
}

// writable returns a page that may be written, and notes that it changed.
func (c *content) writable(number int64) *page {
	p := c.live.pages[number]
	switch {
	case p == nil:
		p = &page{}
	case p.shared:
		p = &page{data: p.data}
	}
	c.live.pages[number] = p
	c.markDirty(number)
	return p
}

func (c *content) markDirty(number int64) {
	if !c.isDirty[number] {
		c.isDirty[number] = true
		c.dirty = append(c.dirty, number)
	}
}

// resize cuts the file off or lengthens it with zeroes, and returns how many pages went.
func (c *content) resize(size int64) (removed int64) {
	if size < c.live.size {
		for number := range c.live.pages {
			if number*pageSize >= size {
				delete(c.live.pages, number)
				c.markDirty(number)
				removed++
			}
		}
		if last := size / pageSize; size%pageSize != 0 && c.live.pages[last] != nil {
			clear(c.writable(last).data[size%pageSize:])
		}
	}
	c.live.size = size
	return removed
}

// sync makes what is seen durable.
func (c *content) sync() {
	for _, number := range c.dirty {
		if p := c.live.pages[number]; p != nil {
			p.shared = true
			c.durable.pages[number] = p
		} else {
			delete(c.durable.pages, number)
		}
	}
	c.durable.size = c.live.size
	c.dirty = nil
	clear(c.isDirty)
}

// afterCut returns what is found of the file when power is back.
func (c *content) afterCut(rng *rand.Rand) (after *content, lost Lost) {
	kept := image{size: c.durable.size, pages: maps.Clone(c.durable.pages)}
	survivors := c.survivors(rng)
	for i, number := range survivors {
		was, is := page{}, page{}
		if p := kept.pages[number]; p != nil {
			was = *p
		}
		if p := c.live.pages[number]; p != nil {
			is = *p
		}
		written := pageSize
		if i == len(survivors)-1 {
			written = sectorSize * (1 + rng.IntN(pageSize/sectorSize))
		}
		copy(was.data[:written], is.data[:written])
		kept.pages[number] = &page{data: was.data}
		if end := min(c.live.size, number*pageSize+int64(written)); end > kept.size {
			kept.size = end
		}
	}
	if len(survivors) > 0 && c.live.size < kept.size && rng.IntN(2) == 0 {
		kept.size = c.live.size
	}
	for number, p := range kept.pages {
		if p.shared = true; number*pageSize >= kept.size {
			delete(kept.pages, number)
		}
	}
	after = newContent()
	after.live, after.durable = kept, image{size: kept.size, pages: maps.Clone(kept.pages)}
	return after, Lost{Pages: len(c.dirty) - len(survivors), Torn: len(survivors)}
}

// survivors draws which of the pages that were not synced remain: none, the first so many, or any.
func (c *content) survivors(rng *rand.Rand) (out []int64) {
	switch rng.IntN(3) {
	case 0:
		return nil
	case 1:
		return c.dirty[:rng.IntN(len(c.dirty)+1)]
	}
	for _, number := range c.dirty {
		if rng.IntN(2) == 0 {
			out = append(out, number)
		}
	}
	return out
}
