import com.sun.management.HotSpotDiagnosticMXBean;
import com.sun.source.util.JavacTask;
import com.sun.source.util.TaskEvent;
import com.sun.source.util.TaskListener;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.concurrent.ConcurrentHashMap;
import java.util.stream.Stream;
import javax.tools.JavaCompiler;
import javax.tools.StandardJavaFileManager;
import javax.tools.ToolProvider;
import javax.xml.parsers.DocumentBuilderFactory;
import org.w3c.dom.Document;
import org.w3c.dom.Node;

/** Programs that dump their own heap in the middle of their work, the dead objects as well. */
public final class Dumps {
    private static String file;

    private static void dump() {
        try {
            ManagementFactory.getPlatformMXBean(HotSpotDiagnosticMXBean.class).dumpHeap(file, false);
        } catch (IOException error) {
            throw new IllegalStateException(error);
        }
    }

    /** javac on the sources below a folder; dumps once half of the classes are analysed. */
    private static void javac(String folder) throws IOException {
        List<Path> sources;
        try (Stream<Path> found = Files.walk(Path.of(folder))) {
            sources = found.filter(one -> one.toString().endsWith(".java")).sorted().toList();
        }
        JavaCompiler compiler = ToolProvider.getSystemJavaCompiler();
        StandardJavaFileManager files = compiler.getStandardFileManager(null, null, StandardCharsets.UTF_8);
        Path classes = Files.createTempDirectory("classes");
        List<String> options = List.of("-proc:none", "-nowarn", "-XDignore.symbol.file", "-implicit:none",
            "--patch-module", "java.base=" + folder, "-d", classes.toString());
        JavacTask task = (JavacTask) compiler.getTask(null, files, found -> { }, options, null,
            files.getJavaFileObjectsFromPaths(sources));
        int[] analysed = new int[1];
        task.addTaskListener(new TaskListener() {
            @Override
            public void finished(TaskEvent event) {
                if (event.getKind() == TaskEvent.Kind.ANALYZE && ++analysed[0] == sources.size() / 2) {
                    dump();
                }
            }
        });
        task.parse();
        task.analyze();
        if (analysed[0] < sources.size() / 2) {
            throw new IllegalStateException("only " + analysed[0] + " classes were analysed");
        }
    }

    /** A session of a service: it is replaced, read, and evicted. */
    private static final class Session {
        final long user;
        final String token;
        final List<byte[]> items = new ArrayList<>();
        Session previous;

        Session(long user, Random random) {
            this.user = user;
            token = "session-" + Long.toHexString(random.nextLong());
            for (int item = random.nextInt(6); item > 0; item--) {
                items.add(new byte[16 + random.nextInt(400)]);
            }
        }
    }

    /** A map of sessions with churn: requests replace and evict entries until so many are done. */
    private static void service(int sessions, int requests) {
        ConcurrentHashMap<Long, Session> map = new ConcurrentHashMap<>();
        Random random = new Random(11);
        for (int request = 0; request < requests; request++) {
            long user = (long) (Math.abs(random.nextGaussian()) * sessions / 2);
            Session made = new Session(user, random);
            Session old = map.put(user, made);
            if (old != null && random.nextInt(4) == 0) {
                made.previous = old;
                old.previous = null;
            }
            if (map.size() > sessions) {
                map.remove((long) (Math.abs(random.nextGaussian()) * sessions / 2));
            }
        }
        dump();
        if (map.isEmpty()) {
            throw new IllegalStateException("no session is left");
        }
    }

    /** Documents that the JDK's XML parser builds; of each one a part stays. */
    private static void xml(int documents, int elements) throws Exception {
        List<Node> kept = new ArrayList<>();
        Random random = new Random(13);
        for (int number = 0; number < documents; number++) {
            StringBuilder text = new StringBuilder("<catalogue>");
            for (int element = 0; element < elements; element++) {
                text.append("<book id='").append(element).append("'><title>Title ").append(random.nextInt())
                    .append("</title><price currency='EUR'>").append(random.nextInt(100)).append("</price></book>");
            }
            byte[] data = text.append("</catalogue>").toString().getBytes(StandardCharsets.UTF_8);
            Document found = DocumentBuilderFactory.newInstance().newDocumentBuilder()
                .parse(new ByteArrayInputStream(data));
            if (number % 3 == 0) {
                kept.add(found);
            }
        }
        dump();
        if (kept.isEmpty()) {
            throw new IllegalStateException("no document is left");
        }
    }

    /** Arrays and lists of many small objects, as large as asked: for the reader's speed. */
    private static void large(int objects) {
        List<Object[]> all = new ArrayList<>();
        Random random = new Random(17);
        for (int number = 0; number < objects; number++) {
            all.add(new Object[] {Integer.valueOf(number), "name " + number, all.isEmpty() ? null
                : all.get(random.nextInt(all.size())), new int[random.nextInt(12)]});
        }
        dump();
    }

    /** Arguments: file, program, then its own. */
    public static void main(String[] words) throws Exception {
        file = words[0];
        switch (words[1]) {
            case "javac" -> javac(words[2]);
            case "service" -> service(Integer.parseInt(words[2]), Integer.parseInt(words[3]));
            case "xml" -> xml(Integer.parseInt(words[2]), Integer.parseInt(words[3]));
            case "large" -> large(Integer.parseInt(words[2]));
            default -> throw new IllegalArgumentException(Arrays.toString(words));
        }
    }
}
