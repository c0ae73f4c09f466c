// Browsers refuse workers to pages that are opened from the disk. There the search runs in a hidden frame.
if (location.protocol === "file:") {
  window.Worker = class extends EventTarget {
    constructor(url) {
      super();
      const frame = document.createElement("iframe");
      frame.hidden = true;
      frame.title = "search";
      frame.deliver = data => this.dispatchEvent(new MessageEvent("message", {data}));
      this.inside = new Promise(resolve => frame.ready = () => resolve(frame.contentWindow));
      document.body.append(frame);
      frame.contentDocument.open();
      frame.contentDocument.write(`<script>postMessage = data => frameElement.deliver(data)</script>
        <script src="${url}"></script><script>frameElement.ready()</script>`);
      frame.contentDocument.close();
    }
    postMessage(data) {
      this.inside.then(frame => frame.dispatchEvent(new frame.MessageEvent("message", {data})));
    }
  };
}
