package org.example.orders;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.util.List;

/** A small orders service on the JDK's own HTTP server; PORT chooses the port, 8080 if unset. */
public final class OrdersApi {
    private record Order(int id, String item, int quantity) {
        String json() {
            return "{\"id\":%d,\"item\":\"%s\",\"quantity\":%d}".formatted(id, item, quantity);
        }
    }

    private static final List<Order> ORDERS =
            List.of(new Order(1, "keyboard", 2), new Order(2, "monitor", 1), new Order(3, "cable", 12));

    private OrdersApi() {}

    public static void main(String[] args) throws IOException {
        int port = Integer.parseInt(System.getenv().getOrDefault("PORT", "8080"));
        HttpServer server = HttpServer.create(new InetSocketAddress(port), 0);
        server.createContext("/health", exchange -> answer(exchange, "{\"status\":\"UP\"}"));
        server.createContext("/orders", exchange -> answer(exchange, ordersJson()));
        Runtime.getRuntime().addShutdownHook(new Thread(() -> server.stop(0)));
        server.start();
        System.out.println("orders-api listens on port " + port);
    }

    private static String ordersJson() {
        return "[" + String.join(",", ORDERS.stream().map(Order::json).toList()) + "]";
    }

    private static void answer(HttpExchange exchange, String json) throws IOException {
        byte[] body = json.getBytes(StandardCharsets.UTF_8);
        exchange.getResponseHeaders().set("Content-Type", "application/json");
        exchange.sendResponseHeaders(200, body.length);
        try (exchange) {
            exchange.getResponseBody().write(body);
        }
    }
}
