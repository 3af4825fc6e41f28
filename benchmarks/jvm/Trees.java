import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.file.Path;

/**
 * The workload {@code trees} of gcproto (gcproto/heap/workloads/trees.py) on a Java heap: the same graph, built and mutated
 * in the same order with the same random numbers.  Its digest is that of {@code gcp_mutator.digest}, so equal digests say
 * that both did the same work.
 *
 * <p>Arguments: live bytes, operations, mutation, fragmentation, seed (each as in gcproto.heap.workloads.knobs), operations
 * of the warm-up, full collections after the measured time, operations before each of these.
 *
 * <p>At each mark of time it prints {@code at NAME NANOSECONDS} and waits for a line, so that its reader can look at the
 * CPU times of its threads meanwhile.  Nanoseconds are System.nanoTime(), the clock of {@code -Xlog} decorator {@code tn}.
 */
public final class Trees {
    static final class Node {
        Node left;
        Node right;
        long value;
    }

    static final int SHORT_DEPTH = 6;
    static final int LOOKS = 16;
    static final int DEEPER = 6;
    /** Of a node in gcproto's heap: header, two references, a value. */
    static final long NODE_WORDS = 4;
    static final long HEADER = NODE_WORDS | (2L << 32);
    static final long PRIME = 0x100000001B3L;

    final long liveBytes;
    final int mutation;
    final int fragmentation;
    final int depth;
    final long name;
    long state;

    Node longLived;
    final Node[] work = new Node[40];
    final Node[] sibling = new Node[40];

    long objects;
    long digest;
    long wrong;

    Trees(long liveBytes, int mutation, int fragmentation, long seed) {
        this.liveBytes = liveBytes;
        this.mutation = mutation;
        this.fragmentation = fragmentation;
        depth = longDepth(liveBytes);
        name = mix(seed);
        state = mix(seed + 1);
    }

    static long mix(long value) {
        value = (value ^ value >>> 30) * -4658895280553007687L;
        value = (value ^ value >>> 27) * -7723592293110705685L;
        return value ^ value >>> 31;
    }

    static long advance(long state) {
        return state - 7046029254386353131L;
    }

    static long below(long state, long limit) {
        return (mix(state) >>> 33) * limit >> 31;
    }

    static int longDepth(long liveBytes) {
        int depth = 1;
        while (((4L << depth) - 1) * NODE_WORDS * 8 <= liveBytes) {
            depth++;
        }
        return depth;
    }

    Node allocate(long value) {
        objects++;
        note(HEADER);
        Node node = new Node();
        node.value = value;
        return node;
    }

    void note(long value) {
        digest = (digest ^ value) * PRIME;
    }

    /** Bottom up, with the finished subtrees of each level in work and sibling, as trees.py has them in root slots. */
    Node build(int depth, long name, long top) {
        int levels = depth - (63 - Long.numberOfLeadingZeros(top));
        for (long leaf = top << levels; leaf < (top + 1) << levels; leaf++) {
            long path = leaf;
            int level = 0;
            Node node = allocate(mix(name + path));
            while (path != top && (path & 1) == 1) {
                sibling[level] = node;
                node = allocate(0);
                node.left = work[level];
                node.right = sibling[level];
                path >>= 1;
                level++;
                node.value = mix(name + path);
            }
            work[level] = node;
        }
        Node node = work[levels];
        for (int level = 0; level <= levels; level++) {
            work[level] = null;
            sibling[level] = null;
        }
        return node;
    }

    static Node descend(Node node, long path) {
        for (int bit = 62 - Long.numberOfLeadingZeros(path); bit >= 0 && node != null; bit--) {
            node = (path >> bit & 1) == 0 ? node.left : node.right;
        }
        return node;
    }

    static long wrongNodes(Node tree, int depth, long name) {
        long wrong = 0;
        for (long path = 1; path < 2L << depth; path++) {
            Node node = descend(tree, path);
            if (node == null || node.value != mix(name + path)) {
                wrong++;
            }
        }
        return wrong;
    }

    void setUp() {
        longLived = build(depth, name, 1);
    }

    void graft(long chance) {
        long path = 1L << (depth - SHORT_DEPTH) | below(chance, 1L << (depth - SHORT_DEPTH));
        Node made = build(depth, name, path);
        Node parent = descend(longLived, path >> 1);
        if ((path & 1) == 0) {
            parent.left = made;
        } else {
            parent.right = made;
        }
        note(path);
    }

    void step() {
        state = advance(state);
        int shallow = SHORT_DEPTH + (below(state, 64000) < fragmentation ? DEEPER : 0);
        wrong += wrongNodes(build(shallow, mix(state), 1), shallow, mix(state));
        state = advance(state);
        if (below(state, 1000) < mutation && depth > SHORT_DEPTH + 1) {
            graft(advance(state));
        }
        long seen = 0;
        for (int look = 0; look < LOOKS; look++) {
            state = advance(state);
            long path = 1L << depth | below(state, 1L << depth);
            Node leaf = descend(longLived, path);
            long value = leaf == null ? 0 : leaf.value;
            if (value != mix(name + path)) {
                wrong++;
            }
            seen = (seen ^ value) * PRIME;
        }
        note(seen);
    }

    void run(long operations) {
        for (long done = 0; done < operations; done++) {
            step();
        }
    }

    static void mark(BufferedReader answers, String name) throws IOException {
        System.out.println("at " + name + " " + System.nanoTime());
        System.out.flush();
        if (answers.readLine() == null) {
            throw new IOException("the reader is gone");
        }
    }

    public static void main(String[] args) throws IOException {
        if (args.length != 8) {
            throw new IllegalArgumentException("eight numbers are needed");
        }
        long live = Long.parseLong(args[0]);
        long operations = Long.parseLong(args[1]);
        int mutation = Integer.parseInt(args[2]);
        int fragmentation = Integer.parseInt(args[3]);
        long seed = Long.parseLong(args[4]);
        long warmUp = Long.parseLong(args[5]);
        int fulls = Integer.parseInt(args[6]);
        long between = Long.parseLong(args[7]);
        BufferedReader answers = new BufferedReader(new InputStreamReader(System.in));

        Trees warm = new Trees(Math.min(live, 1 << 20), mutation, fragmentation, seed + 1);
        warm.setUp();
        warm.run(warmUp);
        long wrong = warm.wrong + wrongNodes(warm.longLived, warm.depth, warm.name);
        warm = null;

        Trees trees = new Trees(live, mutation, fragmentation, seed);
        trees.setUp();
        System.out.println("thread " + Path.of("/proc/thread-self").toRealPath().getFileName());
        mark(answers, "begin");
        trees.run(operations);
        mark(answers, "end");
        System.out.println("work " + operations + " " + trees.objects + " " + trees.digest);
        for (int full = 0; full < fulls; full++) {
            trees.run(between);
            mark(answers, "full-begin");
            System.gc();
            mark(answers, "full-end");
            Runtime runtime = Runtime.getRuntime();
            System.out.println("used " + (runtime.totalMemory() - runtime.freeMemory()));
        }
        wrong += trees.wrong + wrongNodes(trees.longLived, trees.depth, trees.name);
        System.out.println("wrong " + wrong);
    }
}
