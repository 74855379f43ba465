import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.Properties;
import org.apache.kafka.clients.consumer.ConsumerConfig;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.producer.ProducerConfig;
import org.apache.kafka.common.serialization.Serde;
import org.apache.kafka.common.serialization.Serdes;
import org.apache.kafka.streams.KafkaStreams;
import org.apache.kafka.streams.KeyValue;
import org.apache.kafka.streams.StreamsBuilder;
import org.apache.kafka.streams.StreamsConfig;
import org.apache.kafka.streams.kstream.Consumed;
import org.apache.kafka.streams.kstream.Grouped;
import org.apache.kafka.streams.kstream.Materialized;
import org.apache.kafka.streams.kstream.Produced;
import org.apache.kafka.streams.kstream.TimeWindows;
import org.apache.kafka.streams.state.BuiltInDslStoreSuppliers;

/**
 * The KPI as Kafka Streams' documentation teaches it: hopping windows, aggregate, results upserted.
 * Started by the benchmark; its settings are in the environment.
 */
public final class KafkaStreamsPeer {
    private static final ObjectMapper JSON = new ObjectMapper();

    /** The fields that the KPI needs; waitMs is negative where an event ends no wait. */
    record Call(long at, long waitMs, boolean answered) {}

    /** What a window adds up. */
    record Counts(long n, long within) {}

    private KafkaStreamsPeer() {}

    public static void main(String[] arguments) {
        var builder = new StreamsBuilder();
        var windows = TimeWindows.ofSizeAndGrace(millis("PEER_SIZE_MS"), millis("PEER_GRACE_MS"))
            .advanceBy(millis("PEER_HOP_MS"));
        builder
            .stream(
                System.getenv("PEER_INPUT"),
                Consumed.with(Serdes.String(), calls())
                    .withTimestampExtractor(KafkaStreamsPeer::eventTime))
            .filter((queue, call) -> call.waitMs() >= 0)
            .groupByKey(Grouped.with(Serdes.String(), calls()))
            .windowedBy(windows)
            .aggregate(
                () -> new Counts(0, 0),
                (queue, call, sum) -> new Counts(
                    sum.n() + 1,
                    sum.within() + (call.answered() && call.waitMs() <= 20_000 ? 1 : 0)),
                Materialized.with(Serdes.String(), counts()))
            .toStream()
            .map((window, sum) -> new KeyValue<>(
                window.key() + "|" + window.window().start(),
                "{\"n\":" + sum.n() + ",\"within\":" + sum.within() + "}"))
            .to(System.getenv("PEER_OUTPUT"), Produced.with(Serdes.String(), Serdes.String()));
        var streams = new KafkaStreams(builder.build(), settings());
        Runtime.getRuntime().addShutdownHook(new Thread(streams::close));
        streams.start();
    }

    private static Properties settings() {
        var settings = new Properties();
        settings.put(StreamsConfig.APPLICATION_ID_CONFIG, System.getenv("PEER_APP"));
        settings.put(StreamsConfig.BOOTSTRAP_SERVERS_CONFIG, System.getenv("PEER_BOOTSTRAP"));
        settings.put(StreamsConfig.STATE_DIR_CONFIG, System.getenv("PEER_STATE"));
        settings.put(StreamsConfig.PROCESSING_GUARANTEE_CONFIG, StreamsConfig.EXACTLY_ONCE_V2);
        settings.put(StreamsConfig.COMMIT_INTERVAL_MS_CONFIG, 100);
        settings.put(StreamsConfig.NUM_STREAM_THREADS_CONFIG, 2);
        settings.put(StreamsConfig.STATESTORE_CACHE_MAX_BYTES_CONFIG, 64L << 20);
        // Three times as fast here as RocksDB; restored from the changelog topic.
        settings.put(
            StreamsConfig.DSL_STORE_SUPPLIERS_CLASS_CONFIG,
            BuiltInDslStoreSuppliers.InMemoryDslStoreSuppliers.class);
        settings.put(StreamsConfig.REPLICATION_FACTOR_CONFIG, 1);
        settings.put(
            StreamsConfig.consumerPrefix(ConsumerConfig.AUTO_OFFSET_RESET_CONFIG), "earliest");
        // Static membership: a restarted instance takes up its tasks without a rebalance.
        settings.put(
            StreamsConfig.mainConsumerPrefix(ConsumerConfig.GROUP_INSTANCE_ID_CONFIG), "peer");
        settings.put(StreamsConfig.producerPrefix(ProducerConfig.LINGER_MS_CONFIG), 5);
        return settings;
    }

    private static long eventTime(ConsumerRecord<Object, Object> record, long partitionTime) {
        return ((Call) record.value()).at();
    }

    private static Duration millis(String name) {
        return Duration.ofMillis(Long.parseLong(System.getenv(name)));
    }

    private static Serde<Call> calls() {
        return Serdes.serdeFrom(
            (topic, call) -> {
                throw new UnsupportedOperationException("calls are read, not written");
            },
            (topic, bytes) -> {
                try {
                    JsonNode event = JSON.readTree(bytes);
                    JsonNode wait = event.get("wait_ms");
                    return new Call(
                        event.get("occurred_at_ms").longValue(),
                        wait == null ? -1 : wait.longValue(),
                        event.get("type").textValue().equals("answered"));
                } catch (IOException error) {
                    throw new UncheckedIOException(error);
                }
            });
    }

    private static Serde<Counts> counts() {
        return Serdes.serdeFrom(
            (topic, sum) -> sum == null
                ? null
                : ByteBuffer.allocate(16).putLong(sum.n()).putLong(sum.within()).array(),
            (topic, bytes) -> {
                if (bytes == null) {
                    return null;
                }
                var buffer = ByteBuffer.wrap(bytes);
                return new Counts(buffer.getLong(), buffer.getLong());
            });
    }
}
